package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Dimension;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.common.error.Failure;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The dimensions of products as the changes of a set so far leave them, and what is wrong with the next change. Pure. */
final class PlannedDimensions {
    private record There(Dimension dimension, boolean open) {}

    private final Map<String, Map<String, There>> products = new HashMap<>();

    private Map<String, There> of(String productId) {
        return products.computeIfAbsent(productId, id -> new HashMap<>());
    }

    void know(Product product) {
        product.dimensions().forEach(d -> of(product.id()).put(d.key(), new There(d, d.isOpen())));
    }

    /** Also those again that were restricted, if they count what they counted. */
    List<Failure.Problem> add(String productId, List<Dimension.New> added, String path) {
        Map<String, There> known = of(productId);
        List<Failure.Problem> problems = new ArrayList<>();
        for (int i = 0; i < added.size(); i++) {
            Dimension.New one = added.get(i);
            String at = path + ".dimensions[" + i + "].key";
            There there = known.get(one.key());
            if (there != null && there.open()) {
                problems.add(new Failure.Problem(at, "the product already has a dimension with this key"));
            } else if (there != null && !one.countsAs(there.dimension())) {
                problems.add(new Failure.Problem(at, Dimension.COUNTS_OTHERWISE));
            } else {
                known.put(one.key(), new There(one.planned(), true));
            }
        }
        if (known.size() > Product.DIMENSIONS_MAX) {
            problems.add(new Failure.Problem(
                    path + ".dimensions", "a product has at most " + Product.DIMENSIONS_MAX + " dimensions"));
        }
        return problems;
    }

    List<Failure.Problem> restrict(String productId, List<String> keys, String path) {
        Map<String, There> known = of(productId);
        List<Failure.Problem> problems = new ArrayList<>();
        for (int i = 0; i < keys.size(); i++) {
            There there = known.get(keys.get(i));
            if (there == null || !there.open()) {
                problems.add(new Failure.Problem(
                        path + ".dimensions[" + i + "]",
                        there == null ? Product.unknown(keys.get(i)) : "is restricted already"));
            } else {
                known.put(keys.get(i), new There(there.dimension(), false));
            }
        }
        return problems;
    }

    /** Restricted ones, too: those who have them go on reading their titles. */
    List<Failure.Problem> rename(String productId, List<Dimension.Renamed> renamed, String path) {
        List<Failure.Problem> problems = new ArrayList<>();
        for (int i = 0; i < renamed.size(); i++) {
            String key = renamed.get(i).key();
            if (!of(productId).containsKey(key)) {
                problems.add(new Failure.Problem(path + ".dimensions[" + i + "].key", Product.unknown(key)));
            }
        }
        return problems;
    }

    /** Why a new offer or rate cannot price it; empty where it can. */
    Optional<String> unpriced(String productId, String key) {
        There there = of(productId).get(key);
        if (there == null) {
            return Optional.of(Product.unknown(key));
        }
        return there.open() ? Optional.empty() : Optional.of(Product.restricted(key));
    }
}
