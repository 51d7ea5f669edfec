package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** What steps a checked change set takes. Pure. */
final class ChangeSteps {
    private ChangeSteps() {}

    /** The steps, numbered from 1, each with a token of its own. */
    static List<Step> of(List<Change> changes, List<ProductVersion> versions, Supplier<String> tokens) {
        Map<String, VersionStatus> now = new HashMap<>();
        versions.forEach(v -> now.put(v.id(), v.status()));
        Set<String> packages = new HashSet<>();
        versions.stream().filter(v -> !v.delivery().hasImage()).forEach(v -> packages.add(v.id()));
        List<Step> steps = new ArrayList<>();
        for (Change change : changes) {
            if (change.type() == Change.Type.UNPUBLISH_PRODUCT) {
                for (ProductVersion v : versions) {
                    if (v.productId().equals(change.productId())
                            && now.getOrDefault(v.id(), v.status()).isLaunchable()
                            && Profile.of(v.cloud()).deletesOnUnpublish()) {
                        add(
                                steps,
                                change,
                                Optional.of(v.id()),
                                tokens,
                                names(Change.Type.UNPUBLISH_VERSION, !packages.contains(v.id())));
                        now.put(v.id(), VersionStatus.UNPUBLISHED);
                    }
                }
                add(steps, change, Optional.empty(), tokens, Step.Name.WITHDRAW);
            } else {
                boolean image =
                        change.versionId().map(id -> !packages.contains(id)).orElse(false);
                add(steps, change, change.versionId(), tokens, names(change.type(), image));
                after(change.type())
                        .ifPresent(status -> now.put(change.versionId().orElseThrow(), status));
            }
        }
        return steps;
    }

    /** @param image whether there is one, at a cloud; of a package there is only our own record */
    private static Step.Name[] names(Change.Type type, boolean image) {
        return switch (type) {
            case PUBLISH_VERSION ->
                image
                        ? new Step.Name[] {
                            Step.Name.COPY, Step.Name.AVAILABLE, Step.Name.ATTACH, Step.Name.SHARE, Step.Name.PUBLISH
                        }
                        : new Step.Name[] {Step.Name.PUBLISH};
            case MODIFY_VERSION -> new Step.Name[] {Step.Name.MODIFY};
            case RESTRICT_VERSION ->
                image
                        ? new Step.Name[] {Step.Name.DEPRECATE, Step.Name.RESTRICT}
                        : new Step.Name[] {Step.Name.RESTRICT};
            case UNPUBLISH_VERSION ->
                image ? new Step.Name[] {Step.Name.DELETE, Step.Name.UNPUBLISH} : new Step.Name[] {Step.Name.UNPUBLISH};
            case UNPUBLISH_PRODUCT -> new Step.Name[] {Step.Name.WITHDRAW};
            case UPDATE_INFORMATION -> new Step.Name[] {Step.Name.INFORM};
            case ADD_REGIONS, RESTRICT_REGIONS, ADD_INSTANCE_TYPES, RESTRICT_INSTANCE_TYPES ->
                new Step.Name[] {Step.Name.PLACE};
            case CREATE_PRODUCT -> new Step.Name[] {Step.Name.CREATE};
            case ADD_DIMENSIONS, RESTRICT_DIMENSIONS, UPDATE_DIMENSIONS -> new Step.Name[] {Step.Name.MEASURE};
            case ADD_VERSION -> new Step.Name[] {Step.Name.DRAFT};
            case UPDATE_TARGETING -> new Step.Name[] {Step.Name.TARGET};
            case CREATE_OFFER -> new Step.Name[] {Step.Name.OFFER};
            case UPDATE_PRICING_TERMS -> new Step.Name[] {Step.Name.PRICE};
            case UPDATE_AVAILABILITY -> new Step.Name[] {Step.Name.CLOSE};
        };
    }

    private static Optional<VersionStatus> after(Change.Type type) {
        return switch (type) {
            case PUBLISH_VERSION -> Optional.of(VersionStatus.PUBLISHED);
            case RESTRICT_VERSION -> Optional.of(VersionStatus.RESTRICTED);
            case UNPUBLISH_VERSION -> Optional.of(VersionStatus.UNPUBLISHED);
            case MODIFY_VERSION,
                    UNPUBLISH_PRODUCT,
                    UPDATE_INFORMATION,
                    ADD_REGIONS,
                    RESTRICT_REGIONS,
                    ADD_INSTANCE_TYPES,
                    RESTRICT_INSTANCE_TYPES,
                    CREATE_PRODUCT,
                    ADD_DIMENSIONS,
                    ADD_VERSION,
                    UPDATE_TARGETING,
                    CREATE_OFFER,
                    UPDATE_PRICING_TERMS,
                    RESTRICT_DIMENSIONS,
                    UPDATE_DIMENSIONS,
                    UPDATE_AVAILABILITY -> Optional.empty();
        };
    }

    private static void add(
            List<Step> steps, Change change, Optional<String> versionId, Supplier<String> tokens, Step.Name... names) {
        for (Step.Name name : names) {
            steps.add(Step.planned(steps.size() + 1, change.index(), name, versionId, tokens.get()));
        }
    }
}
