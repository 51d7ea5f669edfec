package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Place;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionCopy;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Where products are offered and versions have copies, as the changes of a set leave it one after the other. Pure.
 *
 * <p>At a cloud that copies across regions a version has a copy in each region its product is open in; one whose product lists
 * none there, and one at another cloud, has its only copy where the seller's image is.
 */
final class Distribution {
    /** Copies that one change set makes: it would keep its products for too long. */
    static final int COPIES_MAX = 1000;

    private record At(String productId, String cloud) {}

    private final Map<At, Set<String>> open = new HashMap<>();
    private final Map<String, Set<String>> copies = new HashMap<>();

    Distribution(List<Product> products, List<ProductVersion> versions) {
        for (Product product : products) {
            for (Place place : product.places()) {
                if (place.kind() == Place.Kind.REGION) {
                    Set<String> regions = listed(product.id(), place.cloud());
                    if (place.isOpen()) {
                        regions.add(place.name());
                    }
                }
            }
        }
        for (ProductVersion version : versions) {
            version.copies().stream().map(VersionCopy::region).forEach(of(version)::add);
        }
    }

    private Set<String> listed(String productId, String cloud) {
        return open.computeIfAbsent(new At(productId, cloud), at -> new TreeSet<>());
    }

    void add(String productId, String cloud, Collection<String> regions) {
        listed(productId, cloud).addAll(regions);
    }

    void restrict(String productId, String cloud, Collection<String> regions) {
        listed(productId, cloud).removeAll(regions);
    }

    /** Where a version has copies, sorted. */
    Set<String> of(ProductVersion version) {
        return copies.computeIfAbsent(version.id(), id -> new TreeSet<>());
    }

    /**
     * Gives a published version the copies it should have and has not, and answers their regions, sorted. Empty for a package,
     * and where its product is open nowhere.
     */
    Set<String> complete(ProductVersion version) {
        Set<String> missing = missing(version);
        of(version).addAll(missing);
        return missing;
    }

    /** As {@link #complete(ProductVersion)}, in these regions only. */
    Set<String> complete(ProductVersion version, Collection<String> regions) {
        Set<String> missing = missing(version);
        missing.retainAll(regions);
        of(version).addAll(missing);
        return missing;
    }

    /** What {@link #complete(ProductVersion)} would answer. */
    Set<String> missing(ProductVersion version) {
        if (!version.delivery().hasImage()) {
            return new TreeSet<>();
        }
        Set<String> missing = new TreeSet<>(wanted(version));
        missing.removeAll(of(version));
        return missing;
    }

    /** Whether the product ever said where it is offered. */
    boolean isListed(String productId, String cloud) {
        return open.containsKey(new At(productId, cloud));
    }

    /** Whether its product lists regions at its cloud, and none is open. */
    boolean isNowhere(ProductVersion version) {
        return wanted(version).isEmpty();
    }

    private Set<String> wanted(ProductVersion version) {
        Set<String> regions = open.get(new At(version.productId(), version.cloud()));
        return regions == null || !Profile.of(version.cloud()).copiesAcrossRegions()
                ? Set.of(version.region())
                : regions;
    }
}
