-- Dimensions that nothing new is priced by, and change sets that restrict dimensions, name them anew, and end offers.

-- From when on no new offer or rate may price it; null while any may. Bills name it, so it never goes away.
ALTER TABLE dimension ADD COLUMN restricted_at timestamptz;

ALTER TABLE change
    DROP CONSTRAINT change_type_known,
    ADD CONSTRAINT change_type_known CHECK (type IN
        ('PublishVersion', 'ModifyVersion', 'RestrictVersion', 'UnpublishVersion', 'UnpublishProduct',
         'UpdateInformation', 'AddRegions', 'RestrictRegions', 'AddInstanceTypes', 'RestrictInstanceTypes',
         'CreateProduct', 'AddDimensions', 'RestrictDimensions', 'UpdateDimensions', 'AddVersion', 'UpdateTargeting',
         'CreateOffer', 'UpdatePricingTerms', 'UpdateAvailability'));

ALTER TABLE change_step
    DROP CONSTRAINT change_step_name_known,
    ADD CONSTRAINT change_step_name_known CHECK (name IN
        ('copy', 'available', 'attach', 'share', 'publish', 'modify', 'deprecate', 'restrict', 'delete', 'unpublish',
         'withdraw', 'inform', 'place', 'create', 'measure', 'draft', 'target', 'offer', 'price', 'close'));
