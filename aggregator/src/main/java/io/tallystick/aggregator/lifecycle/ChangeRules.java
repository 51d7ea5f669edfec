package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Offer;
import io.tallystick.aggregator.catalog.Place;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductPage;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.aggregator.catalog.Visibility;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Whether a change set can be carried out, judged whole: each change on things as the changes before it leave them. Pure.
 * What steps it takes is in {@link ChangeSteps}.
 */
public final class ChangeRules {
    private final List<Product> products;
    private final List<ProductVersion> versions;
    /** What the changes so far make of the versions. */
    private final Map<String, VersionStatus> now = new HashMap<>();
    /** What can be chosen from, so far. */
    private final Set<Spot> open = new HashSet<>();

    /** Titles of versions by product, so far. */
    private final Map<String, Set<String>> titles = new HashMap<>();

    private final Distribution distribution;
    /** How many copies the changes so far make. */
    private int copied;

    private final PlannedDimensions measured = new PlannedDimensions();

    /** Which change of the set has taken a product code, given an offer new prices, or moved its end. */
    private final Map<String, Integer> codes = new HashMap<>();

    private final Map<String, Integer> repriced = new HashMap<>();
    private final Map<String, Integer> ended = new HashMap<>();

    private final List<Failure.Problem> problems = new ArrayList<>();

    private record Spot(String productId, Place.Kind kind, String cloud, String name) {}

    private ChangeRules(List<Product> products, List<ProductVersion> versions) {
        this.products = products;
        this.versions = versions;
        distribution = new Distribution(products, versions);
        versions.forEach(v -> now.put(v.id(), v.status()));
        products.forEach(p -> p.places().stream()
                .filter(Place::isOpen)
                .forEach(l -> open.add(new Spot(p.id(), l.kind(), l.cloud(), l.name()))));
    }

    /**
     * Throws every problem at once.
     *
     * @param products all products concerned, those the set makes too
     * @param versions all versions of these products, those the set makes too
     */
    static void check(List<Change> changes, List<Product> products, List<ProductVersion> versions) {
        ChangeRules rules = new ChangeRules(products, versions);
        Set<String> made = changes.stream()
                .filter(c -> c.type() == Change.Type.ADD_VERSION)
                .flatMap(c -> c.versionId().stream())
                .collect(Collectors.toSet());
        versions.stream().filter(v -> !made.contains(v.id())).forEach(v -> rules.titles
                .computeIfAbsent(v.productId(), p -> new HashSet<>())
                .add(v.title()));
        products.forEach(rules.measured::know);
        changes.forEach(rules::check);
        if (!rules.problems.isEmpty()) {
            throw Failure.of(ErrorCode.CONFLICT, Fields.told(rules.problems));
        }
    }

    /** The changes that the rules allow for a version as things stand, so that nobody is offered what would be refused. */
    public static Set<Change.Type> possible(Product product, ProductVersion version, List<ProductVersion> ofProduct) {
        Set<Change.Type> possible = EnumSet.noneOf(Change.Type.class);
        for (Change.Type type : Change.Type.values()) {
            if (type.isOfVersion() && allowed(type, product, version, ofProduct)) {
                possible.add(type);
            }
        }
        return possible;
    }

    private static boolean allowed(
            Change.Type type, Product product, ProductVersion version, List<ProductVersion> ofProduct) {
        Change change = new Change(0, type, version.productId(), Optional.of(version.id()), ChangeDetails.NONE);
        try {
            check(List.of(change), List.of(product), ofProduct);
            return true;
        } catch (Failure e) {
            return false;
        }
    }

    private void check(Change change) {
        String path = "changes[" + change.index() + "]";
        if (change.type().adds()) {
            checkAddition(change, path + ".details");
        } else if (change.versionId().isPresent()) {
            Optional<ProductVersion> version = versions.stream()
                    .filter(v -> change.versionId().equals(Optional.of(v.id())))
                    .findFirst();
            version.map(v -> checkVersion(change, v))
                    .orElse(Optional.of("there is no such version"))
                    .ifPresent(p -> problems.add(new Failure.Problem(path + ".version", p)));
        } else {
            products.stream()
                    .filter(p -> p.id().equals(change.productId()))
                    .findFirst()
                    .ifPresent(p -> checkProduct(change, p, path));
        }
    }

    private void checkAddition(Change change, String path) {
        Addition addition = change.addition();
        String product = change.productId();
        switch (change.type()) {
            case ADD_DIMENSIONS -> problems.addAll(measured.add(product, addition.dimensions(), path));
            case RESTRICT_DIMENSIONS -> problems.addAll(measured.restrict(product, addition.restricted(), path));
            case UPDATE_DIMENSIONS -> problems.addAll(measured.rename(product, addition.renamed(), path));
            case UPDATE_AVAILABILITY ->
                once(ended, addition.offer().orElseThrow(), change, path, "moves the end of this offer already");
            case ADD_VERSION -> {
                Set<String> known = titles.computeIfAbsent(product, id -> new HashSet<>());
                if (!known.add(addition.version().title())) {
                    problems.add(new Failure.Problem(path + ".title", "the product has a version with this title"));
                }
                if (known.size() > ProductVersion.PER_PRODUCT_MAX) {
                    problems.add(new Failure.Problem(
                            path, "a product has at most " + ProductVersion.PER_PRODUCT_MAX + " versions"));
                }
            }
            case CREATE_OFFER -> prices(change, addition.newOffer().kind(), path);
            case UPDATE_PRICING_TERMS -> {
                // Else rule R29 would hold between change sets and not within one.
                once(repriced, addition.offer().orElseThrow(), change, path, "gives this offer new prices already");
                prices(change, addition.kind().orElseThrow(), path);
            }
            case CREATE_PRODUCT -> {
                once(codes, addition.product().code().orElseThrow(), change, path + ".productCode", "has this code");
                // Its dimensions are there already: it is judged as it is planned.
            }
            default -> {
                // An allow-list replaces another, whatever is on it.
            }
        }
    }

    private void once(Map<String, Integer> taken, String what, Change change, String path, String detail) {
        Integer first = taken.putIfAbsent(what, change.index());
        if (first != null) {
            problems.add(new Failure.Problem(path, "changes[" + first + "] " + detail));
        }
    }

    private void prices(Change change, Offer.Kind kind, String path) {
        change.addition()
                .priceProblems(kind, key -> measured.unpriced(change.productId(), key))
                .forEach(p -> problems.add(new Failure.Problem(path + "." + p.path(), p.detail())));
    }

    /** What is wrong with it, or nothing, and then {@code now} is as it leaves things. */
    private Optional<String> checkVersion(Change change, ProductVersion version) {
        VersionStatus status = status(version);
        Profile profile = Profile.of(version.cloud());
        switch (change.type()) {
            case PUBLISH_VERSION -> {
                if (status != VersionStatus.DRAFT) {
                    return Optional.of("must be a draft, is " + status.wire());
                }
                Optional<String> nowhere = somewhere(version, profile)
                        .or(() -> offeredAt(version, Place.Kind.INSTANCE_TYPE, version.recommendedInstanceType()))
                        .or(() -> written(product(version), profile));
                if (nowhere.isPresent()) {
                    return nowhere;
                }
                now.put(version.id(), VersionStatus.PUBLISHED);
                copied += distribution.complete(version).size();
                return tooManyCopies();
            }
            case MODIFY_VERSION -> {
                if (status == VersionStatus.DRAFT || status == VersionStatus.PUBLISHING) {
                    return Optional.of("must be published before it is modified by a change; edit the draft");
                }
                if (change.details()
                        .revision()
                        .filter(r -> !r.equals(version.modifiedAt()))
                        .isPresent()) {
                    return Optional.of(stale(version.modifiedAt()));
                }
                return change.details().text().flatMap(text -> text.shrinks(version.text()));
            }
            case RESTRICT_VERSION -> {
                if (status != VersionStatus.PUBLISHED) {
                    return Optional.of("must be published, is " + status.wire());
                }
                if (!anotherPublished(version)) {
                    return Optional.of("is the only published version in " + version.cloud()
                            + " and cannot be restricted; restrict the product");
                }
                now.put(version.id(), VersionStatus.RESTRICTED);
            }
            case UNPUBLISH_VERSION -> {
                if (!profile.operations().contains(Change.Type.UNPUBLISH_VERSION)) {
                    return Optional.of("was provided at " + version.cloud() + " and can only be restricted");
                }
                if (!status.isLaunchable()) {
                    return Optional.of("must be published or restricted, is " + status.wire());
                }
                if (!anotherPublished(version)) {
                    return Optional.of("is the only remaining version in " + version.cloud()
                            + " and cannot be unpublished; unpublish the product");
                }
                now.put(version.id(), VersionStatus.UNPUBLISHED);
            }
            case UNPUBLISH_PRODUCT,
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
                    UPDATE_AVAILABILITY -> throw new IllegalStateException("names no version");
        }
        return Optional.empty();
    }

    /** What is said to somebody whose wish is based on something older. */
    static String stale(Instant modifiedAt) {
        return "was changed meanwhile, at " + modifiedAt + "; look at it as it is now, and decide again";
    }

    private VersionStatus status(ProductVersion version) {
        return now.getOrDefault(version.id(), version.status());
    }

    /** Where images are copied across regions, in any region; else, in the one that the image is in. */
    private Optional<String> somewhere(ProductVersion version, Profile profile) {
        if (!version.delivery().hasImage()) {
            return Optional.empty();
        }
        return profile.copiesAcrossRegions()
                ? Optional.of("is for a product that is offered in no region at " + version.cloud() + "; add one first")
                        .filter(nowhere -> distribution.isNowhere(version))
                : offeredAt(version, Place.Kind.REGION, Optional.of(version.region()));
    }

    private Optional<String> tooManyCopies() {
        return Optional.of("would make a change set copy more than " + Distribution.COPIES_MAX
                        + " images; take several change sets")
                .filter(many -> copied > Distribution.COPIES_MAX);
    }

    /** A product without any of a kind at a cloud is offered in all. */
    private Optional<String> offeredAt(ProductVersion version, Place.Kind kind, Optional<String> name) {
        boolean listed = open.stream()
                        .anyMatch(s -> s.productId().equals(version.productId())
                                && s.kind() == kind
                                && s.cloud().equals(version.cloud()))
                || !product(version).places(kind, version.cloud()).isEmpty();
        return name.filter(n -> listed && !open.contains(new Spot(version.productId(), kind, version.cloud(), n)))
                .map(n -> "is for the " + kind.word() + " " + n + ", which the product is not offered in at "
                        + version.cloud() + "; add it first");
    }

    private Product product(ProductVersion version) {
        return products.stream()
                .filter(p -> p.id().equals(version.productId()))
                .findFirst()
                .orElseThrow();
    }

    /** A page that says anything says it in all languages of the marketplace. */
    private static Optional<String> written(Product product, Profile profile) {
        return missing(product.page(), profile)
                .map(language -> "needs the product's page in " + language + ", too, at " + profile.cloud());
    }

    private static Optional<String> missing(ProductPage page, Profile profile) {
        return page.texts().isEmpty()
                ? Optional.empty()
                : profile.languages().stream()
                        .filter(l -> !page.texts().containsKey(l))
                        .findFirst();
    }

    /** Rule O15, and AWS's rule that the last public version cannot be restricted. Buyers of one cloud do not use another's. */
    private boolean anotherPublished(ProductVersion version) {
        return versions.stream()
                .anyMatch(v -> !v.id().equals(version.id())
                        && v.productId().equals(version.productId())
                        && v.cloud().equals(version.cloud())
                        && now.get(v.id()) == VersionStatus.PUBLISHED);
    }

    private void checkProduct(Change change, Product product, String path) {
        current(change, product, path);
        switch (change.type()) {
            case UNPUBLISH_PRODUCT -> unpublish(change, product, path);
            case UPDATE_INFORMATION -> inform(change, product, path);
            case ADD_REGIONS -> {
                place(change, product, path, Place.Kind.REGION, true);
                distribute(change, product, path, true);
            }
            case RESTRICT_REGIONS -> {
                place(change, product, path, Place.Kind.REGION, false);
                distribute(change, product, path, false);
            }
            case ADD_INSTANCE_TYPES -> place(change, product, path, Place.Kind.INSTANCE_TYPE, true);
            case RESTRICT_INSTANCE_TYPES -> place(change, product, path, Place.Kind.INSTANCE_TYPE, false);
            case PUBLISH_VERSION,
                    MODIFY_VERSION,
                    RESTRICT_VERSION,
                    UNPUBLISH_VERSION,
                    CREATE_PRODUCT,
                    ADD_DIMENSIONS,
                    ADD_VERSION,
                    UPDATE_TARGETING,
                    CREATE_OFFER,
                    UPDATE_PRICING_TERMS,
                    RESTRICT_DIMENSIONS,
                    UPDATE_DIMENSIONS,
                    UPDATE_AVAILABILITY -> throw new IllegalStateException("is about no product's own data");
        }
    }

    private void unpublish(Change change, Product product, String path) {
        List<ProductVersion> launchable = versions.stream()
                .filter(v -> v.productId().equals(product.id()) && status(v).isLaunchable())
                .toList();
        if (launchable.isEmpty()) {
            problems.add(new Failure.Problem(path + ".product", "has no published version"));
        }
        if (change.details()
                .removal()
                .flatMap(r -> r.replacement())
                .filter(product.id()::equals)
                .isPresent()) {
            problems.add(new Failure.Problem(path + ".details.replacement", "must be another product"));
        }
        launchable.stream()
                .filter(v -> Profile.of(v.cloud()).deletesOnUnpublish())
                .forEach(v -> now.put(v.id(), VersionStatus.UNPUBLISHED));
    }

    /** Rule R24: what was changed meanwhile is not overwritten. */
    private void current(Change change, Product product, String path) {
        if (change.details()
                .revision()
                .filter(r -> !r.equals(product.modifiedAt()))
                .isPresent()) {
            problems.add(new Failure.Problem(path + ".product", stale(product.modifiedAt())));
        }
    }

    private void inform(Change change, Product product, String path) {
        boolean renamed =
                change.details().title().filter(t -> !t.equals(product.title())).isPresent();
        if (renamed && product.visibility() != Visibility.STAGING && product.visibility() != Visibility.LIMITED) {
            problems.add(new Failure.Problem(
                    path + ".details.title", "stays as it is once the product is " + product.visibility()));
        }
        // What was written must be there in all languages of the marketplaces it is published in.
        Set<String> clouds = new TreeSet<>();
        versions.stream()
                .filter(v -> v.productId().equals(product.id()) && status(v).isLaunchable())
                .forEach(v -> clouds.add(v.cloud()));
        ProductPage page = change.details().page().orElse(ProductPage.EMPTY);
        clouds.forEach(cloud -> missing(page, Profile.of(cloud))
                .ifPresent(language -> problems.add(new Failure.Problem(
                        path + ".details.texts." + language, "is needed, as the product is published at " + cloud))));
    }

    private void place(Change change, Product product, String path, Place.Kind kind, boolean add) {
        ChangeDetails.Places places = change.details().places().orElseThrow();
        String field = path + ".details." + (kind == Place.Kind.REGION ? "regions" : "instanceTypes");
        for (int i = 0; i < places.names().size(); i++) {
            String name = places.names().get(i);
            String at = field + "[" + i + "]";
            Spot spot = new Spot(product.id(), kind, places.cloud(), name);
            if (add
                    && kind == Place.Kind.REGION
                    && open.contains(spot)
                    && isIncomplete(product, places.cloud(), name)) {
                // What was published before copies went to all regions is copied now.
                continue;
            }
            if (add ? !open.add(spot) : !open.remove(spot)) {
                problems.add(new Failure.Problem(
                        at, add ? "the product is offered in it already" : "the product is not offered in it"));
            } else if (!add && kind == Place.Kind.INSTANCE_TYPE) {
                recommending(product, places.cloud(), name)
                        .ifPresent(v -> problems.add(new Failure.Problem(
                                at, "is recommended by version " + v.title() + "; restrict that version first")));
            }
        }
    }

    private Stream<ProductVersion> published(Product product, String cloud) {
        return versions.stream()
                .filter(v -> v.productId().equals(product.id())
                        && v.cloud().equals(cloud)
                        && now.get(v.id()) == VersionStatus.PUBLISHED);
    }

    private boolean isIncomplete(Product product, String cloud, String region) {
        return published(product, cloud).anyMatch(v -> distribution.missing(v).contains(region));
    }

    private void distribute(Change change, Product product, String path, boolean add) {
        ChangeDetails.Places places = change.details().places().orElseThrow();
        if (!add) {
            distribution.restrict(product.id(), places.cloud(), places.names());
            return;
        }
        if (!distribution.isListed(product.id(), places.cloud())) {
            published(product, places.cloud())
                    .flatMap(v -> distribution.of(v).stream()
                            .filter(region -> !places.names().contains(region))
                            .map(region -> "must name " + region + ", too, where version " + v.title()
                                    + " is; it can be restricted afterwards"))
                    .findFirst()
                    .ifPresent(forgotten -> problems.add(new Failure.Problem(path + ".details.regions", forgotten)));
        }
        distribution.add(product.id(), places.cloud(), places.names());
        published(product, places.cloud())
                .forEach(v -> copied += distribution.complete(v, places.names()).size());
        tooManyCopies().ifPresent(many -> problems.add(new Failure.Problem(path + ".details.regions", many)));
    }

    /** Rule R30. */
    private Optional<ProductVersion> recommending(Product product, String cloud, String instanceType) {
        return versions.stream()
                .filter(v -> v.productId().equals(product.id())
                        && v.cloud().equals(cloud)
                        && now.get(v.id()) == VersionStatus.PUBLISHED
                        && v.recommendedInstanceType().equals(Optional.of(instanceType)))
                .findFirst();
    }
}
