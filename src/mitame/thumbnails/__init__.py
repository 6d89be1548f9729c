"""Small pictures of items: made of where the pictures lie, kept beside the collection."""
