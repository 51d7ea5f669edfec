-- The instance whose state this one's agent says it found: a cloned image, a moved disk. The first it named.
ALTER TABLE enrollment ADD COLUMN copied_from text;
