-- How a version is delivered, and what sellers and operators write to each other about a change set.

ALTER TABLE product_version
    ADD COLUMN delivery text NOT NULL DEFAULT 'image'
        CONSTRAINT product_version_delivery_known CHECK (delivery IN ('image', 'template', 'package')),
    -- A deployment template, as the seller wrote it; it names the seller's image.
    ADD COLUMN template_json text CONSTRAINT product_version_template_is_json CHECK (template_json IS JSON),
    ADD COLUMN package_url text,
    ADD COLUMN package_sha256 text CONSTRAINT product_version_package_hash CHECK (package_sha256 ~ '^[0-9a-f]{64}$'),
    ADD CONSTRAINT product_version_delivered_whole CHECK (
        (delivery = 'template') = (template_json IS NOT NULL)
        AND (delivery = 'package') = (package_url IS NOT NULL)
        AND (package_url IS NULL) = (package_sha256 IS NULL)),
    DROP CONSTRAINT product_version_published_copy,
    -- Of a package there is nothing to copy.
    ADD CONSTRAINT product_version_published_copy
        CHECK (published_at IS NULL OR (copy_image_id IS NULL) = (delivery = 'package'));

CREATE TABLE change_set_message (
    id text NOT NULL CONSTRAINT change_set_message_pk PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    change_set_id text NOT NULL CONSTRAINT change_set_message_of REFERENCES change_set (id),
    author text NOT NULL CONSTRAINT change_set_message_author_known CHECK (author IN ('seller', 'operator')),
    actor text NOT NULL,
    text text NOT NULL,
    written_at timestamptz NOT NULL
);
CREATE INDEX change_set_message_thread ON change_set_message (change_set_id, number);

-- When the seller was told that a restricted version needs no support any more.
ALTER TABLE product_version ADD COLUMN support_told_at timestamptz;
CREATE INDEX product_version_supported ON product_version (restricted_at) WHERE status = 'restricted' AND support_told_at IS NULL;
