package io.tallystick.aggregator.image;

import io.vertx.core.Future;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * A cloud in memory that keeps {@link ImageCloud}'s promises: copies are pending until the test lets them become available,
 * a token gives the same copy, every effect may be repeated. It counts what reached it, and can be made to fail before an
 * effect (the request was lost) or after it (the answer was).
 */
public final class MemoryCloud implements ImageCloud {
    private final String name;
    private final String account;
    private final Map<String, CloudImage> images = new LinkedHashMap<>();
    private final Map<String, String> copies = new LinkedHashMap<>();
    private final Set<String> deprecated = new LinkedHashSet<>();
    private final List<String> calls = new ArrayList<>();
    private int faultsBefore;
    private int faultsAfter;
    private boolean permanent;
    private int unlisted;
    private int finds;
    private boolean pendingCopies;
    private Supplier<Trouble> weather = () -> Trouble.NONE;
    private static final AtomicInteger COUNT = new AtomicInteger();

    public MemoryCloud(String name, String account) {
        this.name = name;
        this.account = account;
    }

    @Override
    public String cloud() {
        return name;
    }

    @Override
    public String account() {
        return account;
    }

    /** Makes an available image of an account's with these codes; answers its id. */
    public synchronized String image(String region, String owner, String... codes) {
        String id = nextId();
        images.put(
                id,
                new CloudImage(
                        id,
                        region,
                        "image " + id,
                        owner,
                        CloudImage.State.AVAILABLE,
                        "",
                        List.of(codes),
                        Set.of(),
                        false,
                        Instant.EPOCH));
        return id;
    }

    /** Copies made from now on stay pending until {@link #finishCopies}. */
    public synchronized void keepCopiesPending() {
        pendingCopies = true;
    }

    public synchronized void finishCopies(CloudImage.State state) {
        pendingCopies = false;
        copies.values()
                .forEach(id -> images.computeIfPresent(
                        id,
                        (k, i) -> i.state() == CloudImage.State.PENDING
                                ? with(i, state, i.productCodes(), i.sharedWith())
                                : i));
    }

    /** The next effects fail, before anything happened or after it happened. */
    public synchronized void fail(int before, int after, boolean forGood) {
        faultsBefore = before;
        faultsAfter = after;
        permanent = forGood;
    }

    /** What happens to a request. */
    public enum Trouble {
        NONE,
        /** It is lost: nothing happens. */
        BEFORE,
        /** Its answer is lost, or an error comes instead: it has happened. */
        AFTER
    }

    /** Each effect asks what happens to it. */
    public synchronized void weather(Supplier<Trouble> each) {
        weather = each;
    }

    /** The marketplace's own images that are there. */
    public synchronized List<CloudImage> ownImages() {
        return images.values().stream()
                .filter(i -> i.ownerAccount().equals(account))
                .toList();
    }

    public synchronized boolean isDeprecated(String imageId) {
        return deprecated.contains(imageId);
    }

    /** Copies ever made, deleted ones too. */
    public synchronized int copiesMade() {
        return copies.size();
    }

    public synchronized List<String> calls() {
        return List.copyOf(calls);
    }

    /** The next questions for a copy find nothing yet, as where a cloud's lists lag behind. */
    public synchronized void notListed(int questions) {
        unlisted = questions;
    }

    /** How often it was asked for an image. */
    public synchronized int finds() {
        return finds;
    }

    @Override
    public synchronized Future<Optional<CloudImage>> find(String region, String imageId) {
        finds++;
        if (unlisted > 0 && copies.containsValue(imageId)) {
            unlisted--;
            return Future.succeededFuture(Optional.empty());
        }
        return Future.succeededFuture(
                Optional.ofNullable(images.get(imageId)).filter(i -> i.region().equals(region)));
    }

    @Override
    public synchronized Future<List<CloudImage>> ownedBy(String region, String ownerAccount, String productCode) {
        return Future.succeededFuture(images.values().stream()
                .filter(i -> i.region().equals(region)
                        && i.ownerAccount().equals(ownerAccount)
                        && i.productCodes().contains(productCode))
                .sorted(Comparator.comparing(CloudImage::name))
                .toList());
    }

    @Override
    public Future<String> copy(
            String region, String sourceRegion, String sourceImageId, String copyName, String token) {
        return effect("copy " + sourceImageId, () -> {
            String known = copies.get(token);
            if (known != null) {
                return known;
            }
            CloudImage source = require(sourceImageId);
            if (!source.region().equals(sourceRegion) || name.equals("outscale") && !region.equals(sourceRegion)) {
                throw new ImageCloudException("NotFound", "no image " + sourceImageId + " in reach", false, null);
            }
            String id = nextId();
            images.put(
                    id,
                    new CloudImage(
                            id,
                            region,
                            copyName,
                            account,
                            pendingCopies ? CloudImage.State.PENDING : CloudImage.State.AVAILABLE,
                            "",
                            name.equals("aws") ? source.productCodes() : List.of(),
                            Set.of(),
                            false,
                            Instant.EPOCH));
            copies.put(token, id);
            return id;
        });
    }

    @Override
    public Future<Void> attachProductCode(String region, String imageId, String productCode) {
        return effect(
                "attach " + imageId,
                () -> change(imageId, i -> {
                    if (name.equals("aws") && !i.productCodes().contains(productCode)) {
                        throw new ImageCloudException("NoCode", "the copy has no product code", false, null);
                    }
                    return with(i, i.state(), List.of(productCode), i.sharedWith());
                }));
    }

    @Override
    public Future<Void> share(String region, String imageId, Set<String> accounts) {
        return effect(
                "share " + imageId,
                () -> change(imageId, i -> {
                    Set<String> all = new LinkedHashSet<>(i.sharedWith());
                    all.addAll(accounts);
                    return with(i, i.state(), i.productCodes(), all);
                }));
    }

    @Override
    public Future<Void> unshare(String region, String imageId, Set<String> accounts) {
        return effect(
                "unshare " + imageId,
                () -> change(imageId, i -> {
                    Set<String> rest = new LinkedHashSet<>(i.sharedWith());
                    rest.removeAll(accounts);
                    return with(i, i.state(), i.productCodes(), rest);
                }));
    }

    @Override
    public Future<Void> setPublic(String region, String imageId, boolean everybody) {
        return effect(
                "public " + imageId + " " + everybody,
                () -> change(imageId, i -> {
                    if (name.equals("aws") && everybody) {
                        throw new ImageCloudException("NotPermitted", "an image with a code", false, null);
                    }
                    return new CloudImage(
                            i.id(),
                            i.region(),
                            i.name(),
                            i.ownerAccount(),
                            i.state(),
                            i.stateReason(),
                            i.productCodes(),
                            i.sharedWith(),
                            everybody,
                            i.createdAt());
                }));
    }

    @Override
    public Future<Void> delete(String region, String imageId) {
        return this.<Void>effect("delete " + imageId, () -> {
            images.remove(imageId);
            return null;
        });
    }

    @Override
    public Future<Void> deprecate(String region, String imageId) {
        return this.<Void>effect("deprecate " + imageId, () -> {
            deprecated.add(require(imageId).id());
            return null;
        });
    }

    @Override
    public Future<List<CloudVm>> running(String region, Set<String> productCodes) {
        return Future.succeededFuture(List.of());
    }

    @Override
    public Future<Optional<CloudVm>> vm(String region, String instanceId) {
        return Future.succeededFuture(Optional.empty());
    }

    private synchronized <T> Future<T> effect(String call, Supplier<T> work) {
        calls.add(call);
        try {
            Trouble trouble = weather.get();
            if (faultsBefore > 0 || trouble == Trouble.BEFORE) {
                faultsBefore = Math.max(0, faultsBefore - 1);
                throw new ImageCloudException("lost", "the request was lost", !permanent, null);
            }
            T result = work.get();
            if (faultsAfter > 0 || trouble == Trouble.AFTER) {
                faultsAfter = Math.max(0, faultsAfter - 1);
                throw new ImageCloudException("lost", "the answer was lost", !permanent, null);
            }
            return Future.succeededFuture(result);
        } catch (ImageCloudException e) {
            return Future.failedFuture(e);
        }
    }

    private Void change(String imageId, UnaryOperator<CloudImage> step) {
        images.put(imageId, step.apply(require(imageId)));
        return null;
    }

    private CloudImage require(String imageId) {
        CloudImage image = images.get(imageId);
        if (image == null) {
            throw new ImageCloudException("NotFound", "no image " + imageId, false, null);
        }
        return image;
    }

    private String nextId() {
        return String.format("ami-%08x", COUNT.incrementAndGet());
    }

    private static CloudImage with(CloudImage i, CloudImage.State state, List<String> codes, Set<String> shared) {
        return new CloudImage(
                i.id(),
                i.region(),
                i.name(),
                i.ownerAccount(),
                state,
                i.stateReason(),
                codes,
                shared,
                i.isPublic(),
                i.createdAt());
    }
}
