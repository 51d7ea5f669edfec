-- Change sets that add products, dimensions, versions, offers and prices. A set names by their later ids what it makes itself,
-- so its rows cannot refer to rows of these: what succeeded is looked over by the tests.

ALTER TABLE change
    DROP CONSTRAINT change_product_fk,
    DROP CONSTRAINT change_version_fk,
    DROP CONSTRAINT change_type_known,
    ADD CONSTRAINT change_type_known CHECK (type IN
        ('PublishVersion', 'ModifyVersion', 'RestrictVersion', 'UnpublishVersion', 'UnpublishProduct',
         'UpdateInformation', 'AddRegions', 'RestrictRegions', 'AddInstanceTypes', 'RestrictInstanceTypes',
         'CreateProduct', 'AddDimensions', 'AddVersion', 'UpdateTargeting', 'CreateOffer', 'UpdatePricingTerms'));

ALTER TABLE change_lock DROP CONSTRAINT change_lock_product_fk;

ALTER TABLE change_step
    DROP CONSTRAINT change_step_version_fk,
    DROP CONSTRAINT change_step_name_known,
    ADD CONSTRAINT change_step_name_known CHECK (name IN
        ('copy', 'available', 'attach', 'share', 'publish', 'modify', 'deprecate', 'restrict', 'delete', 'unpublish',
         'withdraw', 'inform', 'place', 'create', 'measure', 'draft', 'target', 'offer', 'price'));
