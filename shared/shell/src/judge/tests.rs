//! What is judged, in the world in memory.
