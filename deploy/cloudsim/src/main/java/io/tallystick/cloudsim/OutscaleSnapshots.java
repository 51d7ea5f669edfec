package io.tallystick.cloudsim;

import io.tallystick.cloudsim.OutscaleApi.Caller;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** OUTSCALE's actions on the caller's own snapshots: those behind its images. */
final class OutscaleSnapshots {
    private final Images images;
    private final Caller caller;
    private final int pageMax;

    OutscaleSnapshots(Images images, SimulatedClouds clouds, Caller caller) {
        this.images = images;
        this.caller = caller;
        this.pageMax = clouds.pageMax();
    }

    Map<String, Object> read(Fields f) {
        Fields filters = f.optionalObject("Filters").orElseGet(() -> Fields.of(Map.of()));
        List<String> ids = OutscaleApi.filter(filters, "SnapshotIds");
        List<String> accounts = OutscaleApi.filter(filters, "AccountIds");
        List<String> tags = OutscaleApi.filter(filters, "Tags");
        return OutscaleApi.page(
                f,
                "Snapshots",
                images.snapshots().stream()
                        .filter(this::isOwn)
                        .filter(s -> ids.isEmpty() || ids.contains(s.snapshotId()))
                        .filter(s -> accounts.isEmpty() || accounts.contains(s.accountId()))
                        .filter(s -> tags.isEmpty()
                                || s.tags().entrySet().stream()
                                        .anyMatch(t -> tags.contains(t.getKey() + "=" + t.getValue())))
                        .map(s -> Json.object(
                                "SnapshotId",
                                s.snapshotId(),
                                "AccountId",
                                s.accountId(),
                                "State",
                                "completed",
                                "Description",
                                "of image " + s.imageId(),
                                "Tags",
                                OutscaleApi.tags(s.tags())))
                        .toList(),
                pageMax);
    }

    /** One behind an image that is there stays. */
    Map<String, Object> delete(Fields f) {
        String id = f.string("SnapshotId", VmInfo.TEXT_CHARS_MAX);
        f.done();
        ImageSnapshot snapshot = own(id);
        if (images.find(snapshot.imageId()).filter(i -> !i.life().gone()).isPresent()) {
            throw ApiError.outscale(
                    409, "9000", "ResourceConflict", "The snapshot is used by the image " + snapshot.imageId());
        }
        images.deleteSnapshot(id);
        return Map.of();
    }

    void tag(String id, Map<String, String> tags) {
        images.put(own(id).withTags(tags));
    }

    private ImageSnapshot own(String id) {
        return Optional.of(id)
                .flatMap(images::snapshot)
                .filter(this::isOwn)
                .orElseThrow(() -> ApiError.outscale(
                        400, "5054", "InvalidResource", "The SnapshotId '" + id + "' doesn't exist."));
    }

    private boolean isOwn(ImageSnapshot snapshot) {
        return snapshot.cloud() == Cloud.OUTSCALE
                && snapshot.accountId().equals(caller.account())
                && snapshot.region().equals(caller.region());
    }
}
