package io.tallystick.cloudsim;

import io.tallystick.cloudsim.Ec2Api.Caller;
import io.tallystick.common.error.Failure;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** EC2's actions on the caller's own instances. */
final class Ec2Instances {
    private static final int PAGE_MIN = 5;
    private static final int PAGE_MAX = 1000;
    private static final Pattern ID = Pattern.compile("i-(?:[0-9a-f]{8}|[0-9a-f]{17})");

    private final SimulatedClouds clouds;
    private final Caller caller;

    Ec2Instances(SimulatedClouds clouds, Caller caller) {
        this.clouds = clouds;
        this.caller = caller;
    }

    /** Pages of what was there at this moment; ids and a page's size exclude each other. */
    void describe(Ec2Params params, Instant asOf, Xml xml) {
        List<String> ids = params.list("InstanceId");
        Map<String, List<String>> filters = params.filters();
        Optional<String> size = params.optional("MaxResults");
        Optional<String> token = params.optional("NextToken");
        params.done();
        if (!ids.isEmpty() && size.isPresent()) {
            throw ApiError.ec2(
                    "InvalidParameterCombination", "The parameter MaxResults cannot be used with instance ids");
        }
        int most = Math.min(clouds.pageMax(), size.map(Ec2Instances::pageSize).orElse(PAGE_MAX));
        int from = token.map(Ec2Instances::position).orElse(0);
        ids.forEach(this::get);
        List<VmInfo> found = clouds.vms().stream()
                .map(SimulatedVm::info)
                .filter(this::isOwn)
                .filter(vm -> !vm.identity().pendingTime().isAfter(asOf))
                .filter(vm -> ids.isEmpty() || ids.contains(vm.instanceId()))
                .filter(vm -> filters.entrySet().stream()
                        .allMatch(f -> f.getValue().stream().anyMatch(v -> matches(vm, f.getKey(), v))))
                .toList();
        int start = Math.min(from, found.size());
        int end = Math.min(found.size(), start + most);
        xml.items("reservationSet", found.subList(start, end), vm -> {
            xml.leaf("reservationId", vm.identity().reservationId())
                    .leaf("ownerId", vm.identity().accountId());
            xml.items("instancesSet", List.of(vm), one -> item(one, xml));
        });
        if (end < found.size()) {
            xml.leaf("nextToken", "from-" + end);
        }
    }

    private static int pageSize(String text) {
        if (!text.matches("[0-9]{1,4}") || Integer.parseInt(text) < PAGE_MIN || Integer.parseInt(text) > PAGE_MAX) {
            throw ApiError.ec2("InvalidParameterValue", "MaxResults must be from " + PAGE_MIN + " to " + PAGE_MAX);
        }
        return Integer.parseInt(text);
    }

    private static int position(String token) {
        if (!token.matches("from-[0-9]{1,6}")) {
            throw ApiError.ec2("InvalidNextToken", "The token is not valid");
        }
        return Integer.parseInt(token.substring("from-".length()));
    }

    private static boolean matches(VmInfo vm, String filter, String value) {
        if (filter.startsWith("tag:")) {
            String tag = vm.tags().get(filter.substring("tag:".length()));
            return tag != null && Ec2Images.isLike(tag, value);
        }
        return switch (filter) {
            case "instance-id" -> Ec2Images.isLike(vm.instanceId(), value);
            case "image-id" -> Ec2Images.isLike(vm.identity().imageId(), value);
            case "instance-state-name" -> Ec2Images.isLike(vm.state().wire(), value);
            case "product-code" -> vm.identity().productCodes().stream().anyMatch(c -> Ec2Images.isLike(c, value));
            default -> throw ApiError.ec2("InvalidParameterValue", "The filter '" + filter + "' is invalid");
        };
    }

    private static void item(VmInfo vm, Xml xml) {
        VmIdentity identity = vm.identity();
        xml.leaf("instanceId", identity.instanceId())
                .leaf("imageId", identity.imageId())
                .open("instanceState")
                .leaf("code", code(vm.state()))
                .leaf("name", vm.state().wire())
                .close()
                .leaf("instanceType", identity.instanceType())
                .leaf("launchTime", identity.pendingTime())
                .open("placement")
                .leaf("availabilityZone", identity.availabilityZone())
                .close()
                .leaf("privateIpAddress", identity.privateIp())
                .leaf("architecture", identity.architecture());
        Ec2Images.codes(identity.productCodes(), xml);
        Ec2Images.tags(vm.tags(), xml);
    }

    private static int code(VmState state) {
        return switch (state) {
            case PENDING -> 0;
            case RUNNING -> 16;
            case TERMINATED -> 48;
            case STOPPED -> 80;
        };
    }

    void tag(String id, Map<String, String> tags) {
        try {
            get(id).tag(tags);
        } catch (Failure e) {
            throw ApiError.ec2("InvalidParameterValue", String.valueOf(e.getMessage()));
        }
    }

    private boolean isOwn(VmInfo vm) {
        VmIdentity identity = vm.identity();
        return identity.cloud() == Cloud.AWS
                && identity.accountId().equals(caller.account())
                && identity.region().equals(caller.region());
    }

    private SimulatedVm get(String id) {
        if (!ID.matcher(id).matches()) {
            throw ApiError.ec2("InvalidInstanceID.Malformed", "Invalid id: \"" + id + "\"");
        }
        return clouds.vm(id)
                .filter(vm -> isOwn(vm.info()))
                .orElseThrow(() ->
                        ApiError.ec2("InvalidInstanceID.NotFound", "The instance ID '" + id + "' does not exist"));
    }
}
