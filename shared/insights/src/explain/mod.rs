//! Explanations: what happened, who can change it, what happens next.
