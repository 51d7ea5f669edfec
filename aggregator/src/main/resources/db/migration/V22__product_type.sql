-- What a product's versions deliver; one kind for all of them. A product that had versions of several goes on with the newest's.
ALTER TABLE product ADD COLUMN type text NOT NULL DEFAULT 'image'
  CONSTRAINT product_type_known CHECK (type IN ('image', 'template', 'package'));
UPDATE product SET type = newest.delivery
  FROM (SELECT DISTINCT ON (product_id) product_id, delivery FROM product_version ORDER BY product_id, created_at DESC) AS newest
 WHERE newest.product_id = product.id AND newest.delivery <> 'image';
ALTER TABLE product ALTER COLUMN type DROP DEFAULT;
