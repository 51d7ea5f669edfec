package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.Versions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Products and versions as a change set finds them, with those that it makes itself as they will be. */
record Planned(List<Product> products, List<ProductVersion> versions) {
    Planned {
        products = List.copyOf(products);
        versions = List.copyOf(versions);
    }

    static Planned of(
            List<Change> changes,
            List<Product> products,
            List<ProductVersion> versions,
            Catalog catalog,
            Versions drafts) {
        List<Product> allProducts = new ArrayList<>(products);
        List<ProductVersion> allVersions = new ArrayList<>(versions);
        Set<String> there = products.stream().map(Product::id).collect(Collectors.toSet());
        Set<String> made = versions.stream().map(ProductVersion::id).collect(Collectors.toSet());
        for (Change change : changes) {
            if (change.type() == Change.Type.CREATE_PRODUCT && !there.contains(change.productId())) {
                Catalog.NewProduct wanted = change.addition().product();
                allProducts.add(catalog.planned(
                        change.productId(),
                        wanted.code().orElseThrow(),
                        wanted.seller().orElseThrow(),
                        wanted));
            }
            if (change.type() == Change.Type.ADD_VERSION
                    && !made.contains(change.versionId().orElseThrow())) {
                allVersions.add(drafts.planned(
                        change.versionId().get(),
                        change.productId(),
                        change.addition().version()));
            }
        }
        return new Planned(allProducts, allVersions);
    }

    /** Throws every problem that the changes have with these. */
    void check(List<Change> changes) {
        ChangeRules.check(changes, products, versions);
    }
}
