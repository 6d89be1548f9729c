"""Items and pictures that come in: forms, embedding many at once, retries, conditions."""
