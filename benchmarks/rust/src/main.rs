//! Scores the texts of a file, which NUL bytes divide, by the crate vader-parity. First it prints each
//! text's neg, neu, pos and compound; then, for each line that it reads, it scores all texts again and
//! prints how many ns of CPU that took. benchmarks/rust_scorer.py drives it.

use std::hint::black_box;
use std::{env, fs, io};
use vader_parity::SentimentIntensityAnalyzer;

/// How often it scores them for one figure: Linux counts in ticks of some ms.
const TIMES: u64 = 10;

/// Linux's count of ns that this thread has run.
fn ran_ns() -> u64 {
    let told = fs::read_to_string("/proc/self/schedstat").unwrap();
    told.split(' ').next().unwrap().parse().unwrap()
}

fn main() {
    let file = fs::read_to_string(env::args().nth(1).unwrap()).unwrap();
    let texts: Vec<&str> = file.split('\0').collect();
    let analyzer = SentimentIntensityAnalyzer::new();
    for text in &texts {
        let s = analyzer.polarity_scores(text);
        println!("{:?} {:?} {:?} {:?}", s.neg, s.neu, s.pos, s.compound);
    }
    for _ in io::stdin().lines() {
        let begun = ran_ns();
        for _ in 0..TIMES {
            for text in &texts {
                black_box(analyzer.polarity_scores(black_box(text)));
            }
        }
        println!("{}", (ran_ns() - begun) / TIMES);
    }
}
