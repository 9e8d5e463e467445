//! Early warning: what will break, said ahead.
