//! A language model, asked within a budget and never believed.
