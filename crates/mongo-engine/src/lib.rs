//! One MongoDB database as a store engine.
