"""What a change does to the book: taken stock of before and after, compared, and told to its reviewer."""
