-- A version has a copy in each region it is distributed to, and each of them steps, shares and a life of its own.

-- First, so that no server publishes between what is read of it below and the triggers that follow it from then on.
LOCK TABLE product_version IN SHARE ROW EXCLUSIVE MODE;

ALTER TABLE image_copy
    -- Where the seller's image is.
    ADD COLUMN source_region text,
    -- From when on it is the version's in its region; still so after it was deleted, since VMs launched from it go on.
    ADD COLUMN published_at timestamptz;
UPDATE image_copy SET source_region = region;
UPDATE image_copy c SET published_at = v.published_at
  FROM product_version v WHERE v.id = c.version_id AND v.region = c.region AND v.copy_image_id = c.image_id AND v.published_at IS NOT NULL;
ALTER TABLE image_copy
    ALTER COLUMN source_region SET NOT NULL,
    ADD CONSTRAINT image_copy_published_whole CHECK (published_at IS NULL OR image_id IS NOT NULL);
DROP INDEX image_copy_version_unique;
CREATE UNIQUE INDEX image_copy_version_region_unique ON image_copy (version_id, region)
    WHERE status NOT IN ('discarded', 'deleted');
CREATE INDEX image_copy_published ON image_copy (version_id, region) WHERE published_at IS NOT NULL;
CREATE INDEX image_copy_image ON image_copy (cloud, image_id) WHERE published_at IS NOT NULL;

ALTER TABLE product_version DROP CONSTRAINT product_version_published_copy;

ALTER TABLE image_share ADD COLUMN region text;
UPDATE image_share s SET region = v.region FROM product_version v WHERE v.id = s.version_id;
ALTER TABLE image_share
    ALTER COLUMN region SET NOT NULL,
    DROP CONSTRAINT image_share_pk,
    ADD CONSTRAINT image_share_pk PRIMARY KEY (version_id, region, cloud_account_id);

-- Of a step that is about a copy: where that is. Empty for those that the version before planned for a version that its set
-- was still to make: these are about the region of its image.
ALTER TABLE change_step ADD COLUMN region text;
UPDATE change_step s SET region = v.region
  FROM product_version v
 WHERE v.id = s.version_id AND s.name IN ('copy', 'available', 'attach', 'share', 'deprecate', 'delete');
ALTER TABLE change_step ADD CONSTRAINT change_step_region_of_copy CHECK (
    region IS NULL OR name IN ('copy', 'available', 'attach', 'share', 'deprecate', 'delete'));

-- Servers of the version before go on until they are replaced. They know of one copy, product_version.copy_image_id, and of no
-- region. What follows keeps both views the same; it goes with that column in the version after this one.
COMMENT ON COLUMN product_version.copy_image_id IS 'for servers before V23 only';

CREATE FUNCTION region_of_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.region := (SELECT region FROM product_version WHERE id = NEW.version_id);
    RETURN NEW;
END $$;
CREATE TRIGGER image_share_region BEFORE INSERT ON image_share
    FOR EACH ROW WHEN (NEW.region IS NULL) EXECUTE FUNCTION region_of_version();
CREATE TRIGGER change_step_region BEFORE INSERT ON change_step
    FOR EACH ROW WHEN (NEW.region IS NULL AND NEW.name IN ('copy', 'available', 'attach', 'share', 'deprecate', 'delete'))
    EXECUTE FUNCTION region_of_version();

CREATE FUNCTION source_region_of_copy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.source_region := NEW.region;
    RETURN NEW;
END $$;
CREATE TRIGGER image_copy_source_region BEFORE INSERT ON image_copy
    FOR EACH ROW WHEN (NEW.source_region IS NULL) EXECUTE FUNCTION source_region_of_copy();

CREATE FUNCTION copy_of_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE image_copy SET published_at = NEW.published_at
     WHERE version_id = NEW.id AND region = NEW.region AND image_id = NEW.copy_image_id AND published_at IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER product_version_copy AFTER UPDATE OF copy_image_id ON product_version
    FOR EACH ROW WHEN (NEW.copy_image_id IS NOT NULL AND NEW.published_at IS NOT NULL) EXECUTE FUNCTION copy_of_version();

CREATE FUNCTION version_of_copy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE product_version SET copy_image_id = NEW.image_id
     WHERE id = NEW.version_id AND region = NEW.region AND copy_image_id IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER image_copy_version AFTER UPDATE OF published_at ON image_copy
    FOR EACH ROW WHEN (NEW.published_at IS NOT NULL) EXECUTE FUNCTION version_of_copy();
