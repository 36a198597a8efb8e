//! What the tests of every service need: databases, a clock, a bus, a cache, requests.
