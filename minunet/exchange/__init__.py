"""Files of other programs: models written for them, and checked as they read them."""
