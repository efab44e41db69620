"""Plans: what a job speaks, as a text that a person can edit (docs/documents.md, "The plan")."""
