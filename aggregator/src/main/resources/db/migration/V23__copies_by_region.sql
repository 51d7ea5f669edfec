-- A version has a copy in each region it is distributed to, and each of them steps, shares and a life of its own.

ALTER TABLE image_copy
    -- Where the seller's image is.
    ADD COLUMN source_region text,
    -- From when on it is the version's in its region; still so after it was deleted, since VMs launched from it go on.
    ADD COLUMN published_at timestamptz;
UPDATE image_copy SET source_region = region;
UPDATE image_copy c SET published_at = v.published_at
  FROM product_version v WHERE v.id = c.version_id AND v.copy_image_id = c.image_id AND v.published_at IS NOT NULL;
ALTER TABLE image_copy
    ALTER COLUMN source_region SET NOT NULL,
    ADD CONSTRAINT image_copy_published_whole CHECK (published_at IS NULL OR image_id IS NOT NULL);
DROP INDEX image_copy_version_unique;
CREATE UNIQUE INDEX image_copy_version_region_unique ON image_copy (version_id, region)
    WHERE status NOT IN ('discarded', 'deleted');
CREATE INDEX image_copy_published ON image_copy (version_id, region) WHERE published_at IS NOT NULL;
CREATE INDEX image_copy_image ON image_copy (cloud, image_id) WHERE published_at IS NOT NULL;

ALTER TABLE product_version
    DROP CONSTRAINT product_version_published_copy,
    DROP CONSTRAINT product_version_copy_unique,
    DROP COLUMN copy_image_id;

ALTER TABLE image_share ADD COLUMN region text;
UPDATE image_share s SET region = v.region FROM product_version v WHERE v.id = s.version_id;
ALTER TABLE image_share
    ALTER COLUMN region SET NOT NULL,
    DROP CONSTRAINT image_share_pk,
    ADD CONSTRAINT image_share_pk PRIMARY KEY (version_id, region, cloud_account_id);

-- Of a step that is about a copy: where that is.
ALTER TABLE change_step ADD COLUMN region text;
UPDATE change_step s SET region = v.region
  FROM product_version v
 WHERE v.id = s.version_id AND s.name IN ('copy', 'available', 'attach', 'share', 'deprecate', 'delete');
ALTER TABLE change_step ADD CONSTRAINT change_step_region_of_copy CHECK (
    region IS NULL OR name IN ('copy', 'available', 'attach', 'share', 'deprecate', 'delete'));
