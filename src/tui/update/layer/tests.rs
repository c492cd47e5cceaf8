//! What keys, the mouse, answers and time do to layers.
