package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Offer;
import io.tallystick.aggregator.catalog.ProductPage;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * What a marketplace does its own way, as data: the rules ask a cloud's profile and know no cloud.
 *
 * @param cloud whose images it is about
 * @param operations the changes there are
 * @param copiesAcrossRegions whether an image of one region can be copied to another; else each is where its source is
 * @param deletesOnUnpublish whether unpublishing deletes the copy; otherwise what was provided can only be restricted
 * @param publicFor what a product's open public offers may all be for its copies to be everybody's to launch (rule N6)
 * @param languages in which a product's page must be written, once it is written
 */
public record Profile(
        String cloud,
        Set<Change.Type> operations,
        boolean copiesAcrossRegions,
        boolean deletesOnUnpublish,
        Set<Offer.Kind> publicFor,
        List<String> languages) {
    /** Retiring a version deprecates its image; nothing is taken away (rule R26). */
    static final Profile AWS = new Profile(
            "aws",
            EnumSet.complementOf(EnumSet.of(Change.Type.UNPUBLISH_VERSION)),
            true,
            false,
            // EC2 makes no image public that carries a code.
            Set.of(),
            List.of(ProductPage.ENGLISH));

    /** Retiring a version deletes its image (rule O7); pages are in both languages. */
    static final Profile OUTSCALE = new Profile(
            "outscale",
            EnumSet.allOf(Change.Type.class),
            // To another region an image goes as a file in object storage.
            false,
            true,
            EnumSet.of(Offer.Kind.FREE, Offer.Kind.BYOL),
            List.of(ProductPage.ENGLISH, ProductPage.FRENCH));

    public Profile {
        operations = Set.copyOf(operations);
        publicFor = Set.copyOf(publicFor);
        languages = List.copyOf(languages);
    }

    /** Clouds that nobody wrote a profile for get OUTSCALE's. */
    public static Profile of(String cloud) {
        return cloud.equals(AWS.cloud()) ? AWS : OUTSCALE;
    }
}
