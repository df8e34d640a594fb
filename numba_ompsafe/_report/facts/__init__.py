"""What a report reads, a file for each part of a record. Nothing here says what is wrong."""
