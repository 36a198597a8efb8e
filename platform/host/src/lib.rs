//! What a service is handed, what it hands back, and how it is kept running.
