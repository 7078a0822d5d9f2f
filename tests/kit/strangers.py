"""What strangers might write: each of them in every field, as text, name, hashtag, place, country,
language and reason."""

HOSTILE = (
    '<img src=x onerror="window.pwned=1">',
    "</script><script>window.pwned=1</script>",
    "javascript:window.pwned=1",
    '"><svg onload=window.pwned=1>',
    "{{constructor.constructor('window.pwned=1')()}}",
    "${window.pwned=1}",
    "__proto__",
    "constructor",
    "'; DROP TABLE totals; --",
    "\u202egnp.exe \u2066 \u200f",
    "\x00\x01\x1b[31mred\x07",
    "\ufffd\ud7ff",
    "👩" + "\u200d👩" * 200,
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A" * 20,
    "a" * 25_000,
    "\u2028\u2029",
    " ",
    "%00..%2f..%2fetc%2fpasswd",
    "https://evil.example/track.png",
)
