package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionStatus;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** What steps a checked change set takes. Pure. */
final class ChangeSteps {
    private final List<ProductVersion> versions;
    private final Distribution distribution;
    private final Supplier<String> tokens;
    /** What the changes so far make of the versions. */
    private final Map<String, VersionStatus> now = new HashMap<>();

    private final List<Step> steps = new ArrayList<>();

    private ChangeSteps(Planned planned, Supplier<String> tokens) {
        versions = planned.versions();
        distribution = new Distribution(planned.products(), versions);
        this.tokens = tokens;
        versions.forEach(v -> now.put(v.id(), v.status()));
    }

    /** The steps, numbered from 1, each with a token of its own. */
    static List<Step> of(List<Change> changes, Planned planned, Supplier<String> tokens) {
        ChangeSteps of = new ChangeSteps(planned, tokens);
        changes.forEach(of::add);
        return of.steps;
    }

    private void add(Change change) {
        switch (change.type()) {
            case PUBLISH_VERSION -> {
                ProductVersion version = version(change);
                copy(change, Map.of(version, distribution.complete(version)));
                add(change, version, Step.Name.PUBLISH, VersionStatus.PUBLISHED);
            }
            case MODIFY_VERSION -> add(change, Step.Name.MODIFY);
            case RESTRICT_VERSION -> {
                ProductVersion version = version(change);
                each(change, version, distribution.of(version), Step.Name.DEPRECATE);
                add(change, version, Step.Name.RESTRICT, VersionStatus.RESTRICTED);
            }
            case UNPUBLISH_VERSION -> unpublish(change, version(change));
            case UNPUBLISH_PRODUCT -> {
                versions.stream()
                        .filter(v -> v.productId().equals(change.productId())
                                && status(v).isLaunchable()
                                && Profile.of(v.cloud()).deletesOnUnpublish())
                        .forEach(v -> unpublish(change, v));
                add(change, Step.Name.WITHDRAW);
            }
            case UPDATE_INFORMATION -> add(change, Step.Name.INFORM);
            case ADD_REGIONS -> {
                ChangeDetails.Places places = change.details().places().orElseThrow();
                distribution.add(change.productId(), places.cloud(), places.names());
                Map<ProductVersion, Collection<String>> missing = new LinkedHashMap<>();
                versions.stream()
                        .filter(v -> v.productId().equals(change.productId())
                                && v.cloud().equals(places.cloud())
                                && status(v) == VersionStatus.PUBLISHED)
                        .forEach(v -> missing.put(v, distribution.complete(v, places.names())));
                copy(change, missing);
                add(change, Step.Name.PLACE);
            }
            case RESTRICT_REGIONS -> {
                ChangeDetails.Places places = change.details().places().orElseThrow();
                distribution.restrict(change.productId(), places.cloud(), places.names());
                add(change, Step.Name.PLACE);
            }
            case ADD_INSTANCE_TYPES, RESTRICT_INSTANCE_TYPES -> add(change, Step.Name.PLACE);
            case CREATE_PRODUCT -> add(change, Step.Name.CREATE);
            case ADD_DIMENSIONS, RESTRICT_DIMENSIONS, UPDATE_DIMENSIONS -> add(change, Step.Name.MEASURE);
            case ADD_VERSION -> add(change, Step.Name.DRAFT);
            case UPDATE_TARGETING -> add(change, Step.Name.TARGET);
            case CREATE_OFFER -> add(change, Step.Name.OFFER);
            case UPDATE_PRICING_TERMS -> add(change, Step.Name.PRICE);
            case UPDATE_AVAILABILITY -> add(change, Step.Name.CLOSE);
        }
    }

    /** All copies are asked for before the first is waited for: clouds make them at the same time. */
    private void copy(Change change, Map<ProductVersion, Collection<String>> missing) {
        for (Step.Name name : List.of(Step.Name.COPY, Step.Name.AVAILABLE, Step.Name.ATTACH, Step.Name.SHARE)) {
            missing.forEach((version, regions) -> each(change, version, regions, name));
        }
    }

    private void unpublish(Change change, ProductVersion version) {
        each(change, version, distribution.of(version), Step.Name.DELETE);
        add(change, version, Step.Name.UNPUBLISH, VersionStatus.UNPUBLISHED);
    }

    private ProductVersion version(Change change) {
        String id = change.versionId().orElseThrow();
        return versions.stream().filter(v -> v.id().equals(id)).findFirst().orElseThrow();
    }

    private VersionStatus status(ProductVersion version) {
        return now.getOrDefault(version.id(), version.status());
    }

    private void each(Change change, ProductVersion version, Collection<String> regions, Step.Name name) {
        for (String region : regions) {
            add(change, name, Optional.of(version.id()), Optional.of(region));
        }
    }

    private void add(Change change, ProductVersion version, Step.Name name, VersionStatus after) {
        add(change, name, Optional.of(version.id()), Optional.empty());
        now.put(version.id(), after);
    }

    private void add(Change change, Step.Name name) {
        add(change, name, change.versionId(), Optional.empty());
    }

    private void add(Change change, Step.Name name, Optional<String> versionId, Optional<String> region) {
        steps.add(Step.planned(steps.size() + 1, change.index(), name, versionId, region, tokens.get()));
    }
}
