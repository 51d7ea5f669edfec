package io.tallystick.cloudsim;

import io.tallystick.cloudsim.OutscaleApi.Caller;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/** OUTSCALE's actions on the caller's own VMs. */
final class OutscaleVms {
    private final SimulatedClouds clouds;
    private final Caller caller;

    OutscaleVms(SimulatedClouds clouds, Caller caller) {
        this.clouds = clouds;
        this.caller = caller;
    }

    Map<String, Object> read(Fields f, Instant asOf) {
        Fields filters = f.optionalObject("Filters").orElseGet(() -> Fields.of(Map.of()));
        List<String> ids = OutscaleApi.filter(filters, "VmIds");
        List<String> imageIds = OutscaleApi.filter(filters, "ImageIds");
        List<String> codes = OutscaleApi.filter(filters, "ProductCodes");
        List<String> states = OutscaleApi.filter(filters, "VmStateNames");
        return OutscaleApi.page(
                f,
                "Vms",
                clouds.vms().stream()
                        .map(SimulatedVm::info)
                        .filter(this::isOwn)
                        .filter(vm -> !vm.identity().pendingTime().isAfter(asOf))
                        .filter(vm -> ids.isEmpty() || ids.contains(vm.instanceId()))
                        .filter(vm -> imageIds.isEmpty()
                                || imageIds.contains(vm.identity().imageId()))
                        .filter(vm -> codes.isEmpty()
                                || vm.identity().productCodes().stream().anyMatch(codes::contains))
                        .filter(vm ->
                                states.isEmpty() || states.contains(vm.state().wire()))
                        .map(OutscaleVms::json)
                        .toList(),
                clouds.pageMax());
    }

    private static Map<String, Object> json(VmInfo vm) {
        VmIdentity identity = vm.identity();
        return Json.object(
                "VmId", identity.instanceId(),
                "ImageId", identity.imageId(),
                "VmType", identity.instanceType(),
                "State", vm.state().wire(),
                "ProductCodes", identity.productCodes(),
                "ReservationId", identity.reservationId(),
                "PrivateIp", identity.privateIp(),
                "Architecture", identity.architecture(),
                "Placement", Json.object("SubregionName", identity.availabilityZone(), "Tenancy", "default"),
                "Tags", OutscaleApi.tags(vm.tags()));
    }

    void tag(String id, Map<String, String> tags) {
        get(id).tag(tags);
    }

    SimulatedVm get(String id) {
        return clouds.vm(id)
                .filter(vm -> isOwn(vm.info()))
                .orElseThrow(() ->
                        ApiError.outscale(400, "5063", "InvalidResource", "The VmId '" + id + "' doesn't exist."));
    }

    private boolean isOwn(VmInfo vm) {
        VmIdentity identity = vm.identity();
        return identity.cloud() == Cloud.OUTSCALE
                && identity.accountId().equals(caller.account())
                && identity.region().equals(caller.region());
    }
}
