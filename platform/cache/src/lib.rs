//! The cache: values, versioned values and hashes. In process, bounded; Redis' adapter belongs beside it.
