//! Orders through their routes.
