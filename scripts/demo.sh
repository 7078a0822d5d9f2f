#!/usr/bin/env bash
# make demo: tweets from a producer through Kafka and both jobs, side by side, onto HDFS, audited and shown. SOURCE and POSTS choose
# what is published, MASTER where the jobs run, SECURE=1 a set with TLS, logins, ACLs and
# Kerberos, where each program is a user of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

source=${SOURCE:-sample}
posts=${POSTS:-2000}
case "${MASTER:-local}" in
    local) cluster=() master=() ;;
    standalone) cluster=(--spark-workers 2) ;;
    yarn) cluster=(--yarn-nodes 2) master=(--master yarn) ;;
    *) echo "error: there is no MASTER=$MASTER"$'\n'"  next: MASTER=local, standalone or yarn" >&2; exit 2 ;;
esac
profile=()
if [ -n "${SECURE:-}" ]; then
    export TWEETS_SECURE=true TWEETS_SERVICES_HOME=.run/secure
    profile=(--secure)
fi
# run a command as a user of the set; a plain set has none
as() { local user=$1; shift; (eval "$(scripts/services env "$user")"; "$@"); }
topic=demo-$(date -u +%Y%m%d-%H%M%S)
eval "$(scripts/services env producer)" # the ports may have been moved
output=${TWEETS_OUTPUT%/tweets/*}/demo/$topic
run=.run/demo/$topic
mkdir -p "$run"

say() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }
field() { .venv/bin/python -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }

stub=
arguments=(--source "$source")
case "$source" in
    x-stub) stub=x-stub arguments=(--source stream --track coffee) ;;
    bluesky-stub) stub=jetstream-stub arguments=(--source bluesky) ;;
esac

say "services"
scripts/services start ${stub:+--$stub} "${cluster[@]}"
if [ ${#cluster[@]} -gt 0 ]; then
    eval "$(scripts/services env producer)" # the cluster's address and secret
fi
if [ "${MASTER:-local}" = standalone ]; then master=(--master "$SPARK_MASTER"); fi
if [ -n "$stub" ]; then
    trap 'scripts/services stop "$stub"' EXIT # otherwise the next run of the producer would take it for X or Bluesky
    eval "$(scripts/services env producer)"
fi

if scripts/services stop page --page && TWEETS_OUTPUT="$output/{program}" scripts/services start page --page; then
    page="http://127.0.0.1:${TWEETS_PAGE_PORT:-8780}/"
    say "page, live: $page"
fi

say "producer: $posts tweets from $source into topic $topic"
as producer .venv/bin/python -m producer "${arguments[@]}" --topic "$topic" --max-posts "$posts" \
    --ledger "$run/ledger.jsonl" --report "$run/report.json"
line="demo: $(field "$run/report.json" acked) acked"

job() { # run it to the end of the topic, and audit what it has published; its lines bear its name
    {
        as jobs scripts/submit "${profile[@]}" "${master[@]}" "$1" --topic "$topic" --output "$output/$1" --available-now &&
            as audit scripts/audit.py --topic "$topic" --output "$output/$1" --ledger "$run/ledger.jsonl" --json > "$run/$1.json"
    } 2>&1 | sed -u "s/^/$1: /"
}

say "jobs: direct and receiver_based onto $output"
findings=0 running=()
for job in direct receiver_based; do
    job "$job" &
    if [ ${#cluster[@]} -gt 0 ]; then wait $! || findings=$?; else running+=($!); fi # this cluster has room for one
done
for pid in "${running[@]}"; do wait "$pid" || findings=$?; done
for job in direct receiver_based; do
    if [ ! -s "$run/$job.json" ]; then exit "$findings"; fi # it was not audited, and has said why
    counts="$(field "$run/$job.json" published) published, $(field "$run/$job.json" lost) lost"
    line="$line; $job $counts, $(field "$run/$job.json" duplicated) duplicated"
done

say "sentiment"
as audit scripts/summary.py --output "$output/direct"

say "picture"
as audit scripts/heatmap --output "$output/direct" --to "$run/map.svg"

say "both jobs side by side: ${page:-scripts/dashboard --output $output/direct --output $output/receiver_based}"
say "the services keep running (scripts/services stop ends them); published: $output"
echo "$line"
exit "$findings"
