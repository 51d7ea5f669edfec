package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Whether a change set can be carried out, judged whole: each change on the versions as the changes before it leave them.
 * And what steps it takes.
 */
final class ChangeRules {
    private static final String AWS = "aws";

    private ChangeRules() {}

    /** Whether unpublishing deletes the copy. At AWS what was provided can only be restricted (rule R26). */
    static boolean deletes(String cloud) {
        return !cloud.equals(AWS);
    }

    /**
     * Throws every problem at once.
     *
     * @param versions all versions of all products concerned
     */
    static void check(List<Change> changes, List<ProductVersion> versions) {
        Map<String, VersionStatus> now = new HashMap<>();
        versions.forEach(v -> now.put(v.id(), v.status()));
        List<Failure.Problem> problems = new ArrayList<>();
        for (Change change : changes) {
            String path = "changes[" + change.index() + "]";
            Optional<ProductVersion> version = change.versionId().flatMap(id -> find(versions, id));
            if (change.versionId().isPresent() && version.isEmpty()) {
                problems.add(new Failure.Problem(path + ".version", "there is no such version"));
                continue;
            }
            Optional<String> problem = version.isPresent()
                    ? checkVersion(change, version.get(), versions, now)
                    : unpublishProduct(change, versions, now);
            problem.ifPresent(
                    p -> problems.add(new Failure.Problem(path + (version.isPresent() ? ".version" : ".product"), p)));
        }
        if (!problems.isEmpty()) {
            throw Failure.of(ErrorCode.CONFLICT, problems);
        }
    }

    /** What is wrong with it, or nothing, and then {@code now} is as it leaves things. */
    private static Optional<String> checkVersion(
            Change change, ProductVersion version, List<ProductVersion> versions, Map<String, VersionStatus> now) {
        VersionStatus status = now.getOrDefault(version.id(), version.status());
        switch (change.type()) {
            case PUBLISH_VERSION -> {
                if (status != VersionStatus.DRAFT) {
                    return Optional.of("must be a draft, is " + status.wire());
                }
                now.put(version.id(), VersionStatus.PUBLISHED);
            }
            case MODIFY_VERSION -> {
                if (status == VersionStatus.DRAFT || status == VersionStatus.PUBLISHING) {
                    return Optional.of("must be published before it is modified by a change; edit the draft");
                }
            }
            case RESTRICT_VERSION -> {
                if (status != VersionStatus.PUBLISHED) {
                    return Optional.of("must be published, is " + status.wire());
                }
                if (!anotherPublished(version, versions, now)) {
                    return Optional.of("is the only published version in " + version.cloud()
                            + " and cannot be restricted; restrict the product");
                }
                now.put(version.id(), VersionStatus.RESTRICTED);
            }
            case UNPUBLISH_VERSION -> {
                if (!deletes(version.cloud())) {
                    return Optional.of("was provided at " + version.cloud() + " and can only be restricted");
                }
                if (!status.isLaunchable()) {
                    return Optional.of("must be published or restricted, is " + status.wire());
                }
                if (!anotherPublished(version, versions, now)) {
                    return Optional.of("is the only remaining version in " + version.cloud()
                            + " and cannot be unpublished; unpublish the product");
                }
                now.put(version.id(), VersionStatus.UNPUBLISHED);
            }
            case UNPUBLISH_PRODUCT -> throw new IllegalStateException("names no version");
        }
        return Optional.empty();
    }

    /** Rule O15, and AWS's rule that the last public version cannot be restricted. Buyers of one cloud do not use another's. */
    private static boolean anotherPublished(
            ProductVersion version, List<ProductVersion> versions, Map<String, VersionStatus> now) {
        return versions.stream()
                .anyMatch(v -> !v.id().equals(version.id())
                        && v.productId().equals(version.productId())
                        && v.cloud().equals(version.cloud())
                        && now.get(v.id()) == VersionStatus.PUBLISHED);
    }

    private static Optional<String> unpublishProduct(
            Change change, List<ProductVersion> versions, Map<String, VersionStatus> now) {
        List<ProductVersion> launchable = launchable(change.productId(), versions, now);
        if (launchable.isEmpty()) {
            return Optional.of("has no published version");
        }
        launchable.stream().filter(v -> deletes(v.cloud())).forEach(v -> now.put(v.id(), VersionStatus.UNPUBLISHED));
        return Optional.empty();
    }

    private static List<ProductVersion> launchable(
            String productId, List<ProductVersion> versions, Map<String, VersionStatus> now) {
        return versions.stream()
                .filter(v -> v.productId().equals(productId)
                        && now.getOrDefault(v.id(), v.status()).isLaunchable())
                .toList();
    }

    private static Optional<ProductVersion> find(List<ProductVersion> versions, String id) {
        return versions.stream().filter(v -> v.id().equals(id)).findFirst();
    }

    /** The steps of checked changes, numbered from 1, each with a token of its own. */
    static List<Step> steps(List<Change> changes, List<ProductVersion> versions, Supplier<String> tokens) {
        Map<String, VersionStatus> now = new HashMap<>();
        versions.forEach(v -> now.put(v.id(), v.status()));
        List<Step> steps = new ArrayList<>();
        for (Change change : changes) {
            if (change.type() == Change.Type.UNPUBLISH_PRODUCT) {
                for (ProductVersion v : launchable(change.productId(), versions, now)) {
                    if (deletes(v.cloud())) {
                        add(steps, change, Optional.of(v.id()), tokens, Step.Name.DELETE, Step.Name.UNPUBLISH);
                        now.put(v.id(), VersionStatus.UNPUBLISHED);
                    }
                }
                add(steps, change, Optional.empty(), tokens, Step.Name.WITHDRAW);
            } else {
                add(steps, change, change.versionId(), tokens, names(change.type()));
                after(change.type())
                        .ifPresent(status -> now.put(change.versionId().orElseThrow(), status));
            }
        }
        return steps;
    }

    private static Step.Name[] names(Change.Type type) {
        return switch (type) {
            case PUBLISH_VERSION ->
                new Step.Name[] {
                    Step.Name.COPY, Step.Name.AVAILABLE, Step.Name.ATTACH, Step.Name.SHARE, Step.Name.PUBLISH
                };
            case MODIFY_VERSION -> new Step.Name[] {Step.Name.MODIFY};
            case RESTRICT_VERSION -> new Step.Name[] {Step.Name.DEPRECATE, Step.Name.RESTRICT};
            case UNPUBLISH_VERSION -> new Step.Name[] {Step.Name.DELETE, Step.Name.UNPUBLISH};
            case UNPUBLISH_PRODUCT -> new Step.Name[] {Step.Name.WITHDRAW};
        };
    }

    private static Optional<VersionStatus> after(Change.Type type) {
        return switch (type) {
            case PUBLISH_VERSION -> Optional.of(VersionStatus.PUBLISHED);
            case RESTRICT_VERSION -> Optional.of(VersionStatus.RESTRICTED);
            case UNPUBLISH_VERSION -> Optional.of(VersionStatus.UNPUBLISHED);
            case MODIFY_VERSION, UNPUBLISH_PRODUCT -> Optional.empty();
        };
    }

    private static void add(
            List<Step> steps, Change change, Optional<String> versionId, Supplier<String> tokens, Step.Name... names) {
        for (Step.Name name : names) {
            steps.add(Step.planned(steps.size() + 1, change.index(), name, versionId, tokens.get()));
        }
    }
}
