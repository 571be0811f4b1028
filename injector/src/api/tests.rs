//! The routes without a network: what is asked, what is refused, and how long a verdict takes.
