package io.tallystick.sandbox;

import io.tallystick.cloudsim.VmImage;
import io.tallystick.cloudsim.VmInfo;
import io.tallystick.cloudsim.VmSpec;
import java.math.BigDecimal;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * A sandbox for another program to drive: VMs with and without an agreement, clones, an aggregator that goes away, clocks
 * that move, and the bill at the end. In a folder of its own, which is deleted at {@link #close} unless something failed.
 * One thread.
 */
public final class Box implements AutoCloseable {
    /** Past half of a lease, so that every agent asks for a new one. */
    private static final Duration RENEWAL = Duration.ofHours(13);
    /** Past the pace at which a denied agent asks again, jitter included. */
    private static final Duration DENIED_PACE = Duration.ofSeconds(60);
    /** Cloud accounts of customers, counted up. */
    private static final long FIRST_CLOUD_ACCOUNT = 700_000_000_000L;

    private final RunFolder folder;
    private final Marketplace market;
    private final Scene scene;
    private final Map<String, Agent> agents = new LinkedHashMap<>();
    private final Map<String, Customer> customers = new HashMap<>();
    private boolean away;
    private long cloudAccounts = FIRST_CLOUD_ACCOUNT;

    /** A running VM: its instance id, and where its agent listens. */
    public record Vm(String instance, URI agent) {}

    /** Who owns a VM; the agreement is empty where there is none. */
    private record Customer(String account, String cloudAccount, String agreement) {}

    private Box(RunFolder folder, Marketplace market) {
        this.folder = folder;
        this.market = market;
        this.scene = new Scene(market, new Teller(new java.io.PrintWriter(java.io.Writer.nullWriter())));
    }

    /** Starts everything; {@code progress} is told what happens, for people. */
    public static Box open(Path parent, Consumer<String> progress) {
        RunFolder folder = RunFolder.fresh(parent);
        LogFile.open(folder.logs().resolve("sandbox.log"));
        Story.prepareClock(folder);
        return new Box(folder, Marketplace.open(folder, Programs.ofSystem(), 0, Database::embedded, progress));
    }

    /** The marketplace's public URL. */
    public String issuer() {
        return market.aggregatorUrl().toString();
    }

    /** The content of its {@code /.well-known/jwks.json}. */
    public String keySet() {
        return market.rest().get("/.well-known/jwks.json").expect(200).text();
    }

    public String productCode() {
        return market.seed().productCode();
    }

    public Path logs() {
        return folder.logs();
    }

    /** A VM of a new customer, who has subscribed or has not. */
    public Vm launch(boolean subscribed) {
        String cloudAccount = Long.toString(cloudAccounts++);
        String account = Seeder.account(scene.operator(), "buyer", "Customer " + cloudAccount);
        Seeder.cloudAccount(scene.operator(), account, cloudAccount);
        VmSpec spec = VmSpec.of(cloudAccount).region(Marketplace.REGION).productCodes(productCode());
        String agreement =
                subscribed ? Seeder.agreement(scene.operator(), market.seed().productId(), account) : "";
        return added(market.launch(spec), new Customer(account, cloudAccount, agreement));
    }

    private Vm added(Agent agent, Customer owner) {
        String instance = agent.name().substring(Agent.NAME_PREFIX.length());
        agents.put(instance, agent);
        customers.put(instance, owner);
        return new Vm(instance, agent.url());
    }

    private Agent agent(Vm vm) {
        return java.util.Objects.requireNonNull(agents.get(vm.instance()), vm::toString);
    }

    private Customer owner(Vm vm) {
        return java.util.Objects.requireNonNull(customers.get(vm.instance()), vm::toString);
    }

    /** Another VM, launched from an image of this one with the agent's state on it. */
    public Vm copy(Vm vm) {
        VmImage image = market.cloud().image(vm.instance());
        VmInfo copy = market.cloud().launch(VmSpec.of(owner(vm).cloudAccount()).fromImage(image.imageId()));
        return added(market.startAgent(copy), owner(vm));
    }

    /** The customer subscribes; answers once the VM's agent knows. */
    public void subscribe(Vm vm) {
        Customer owner = owner(vm);
        String agreement = Seeder.agreement(scene.operator(), market.seed().productId(), owner.account());
        customers.put(vm.instance(), new Customer(owner.account(), owner.cloudAccount(), agreement));
        market.advance(DENIED_PACE);
        awaitDecision(vm, "allow");
    }

    /** The customer's agreement ends, and the leases are renewed; answers once the VM's agent knows. */
    public void unsubscribe(Vm vm) {
        scene.operator()
                .send("POST", "/v1/agreements/" + owner(vm).agreement() + "/end", "application/json", new byte[0])
                .expect(200);
        market.advance(RENEWAL);
        awaitDecision(vm, "deny");
    }

    /** Waits until the VM's agent decides so: {@code allow}, {@code deny} or {@code unknown}. */
    public void awaitDecision(Vm vm, String decision) {
        Expect.eventually(
                Scene.PATIENCE,
                decision + " in " + vm.instance(),
                () -> agent(vm).decision(productCode()),
                d -> d.equals(decision));
    }

    public void advance(Duration by) {
        market.advance(by);
    }

    /** SIGKILL. */
    public void takeAggregatorAway() {
        market.killAggregator();
        away = true;
    }

    /** Nothing if it is there. */
    public void bringAggregatorBack() {
        if (away) {
            away = false;
            market.startAggregator();
        }
    }

    /**
     * Closes the hour and pulls the bill: what was booked by instance, and what its receipts set aside, such as usage from
     * after the end of an agreement that the agent did not know of yet; without the uptime that agents meter by themselves.
     * Waits for these sums, and answers what there is when the patience ends.
     */
    public Map<String, BigDecimal> accounted(Map<String, BigDecimal> expected) {
        market.advanceTo(market.now()
                .truncatedTo(ChronoUnit.HOURS)
                .plus(1, ChronoUnit.HOURS)
                .plusSeconds(1));
        scene.flush(agents.values().toArray(Agent[]::new));
        Instant closed = market.now()
                .truncatedTo(ChronoUnit.HOURS)
                .plus(1, ChronoUnit.HOURS)
                .plus(Seeder.CLOSE_DELAY)
                .plusSeconds(90);
        market.advanceTo(closed);
        return Await.value(Scene.PATIENCE, () -> {
                    Map<String, BigDecimal> sums = booked();
                    return same(sums, expected) ? java.util.Optional.of(sums) : java.util.Optional.empty();
                })
                .orElseGet(this::booked);
    }

    private static boolean same(Map<String, BigDecimal> a, Map<String, BigDecimal> b) {
        return a.keySet().equals(b.keySet())
                && a.entrySet().stream().allMatch(e -> e.getValue().compareTo(b.get(e.getKey())) == 0);
    }

    /** What is booked by instance by now, and what receipts set aside; see {@link #accounted}. */
    public Map<String, BigDecimal> booked() {
        Map<String, BigDecimal> sums = new TreeMap<>();
        Scene.metered(scene.billing().after(Billing.BEGINNING))
                .forEach((key, quantity) -> sums.merge(key.instance(), quantity, BigDecimal::add));
        agents.forEach((instance, agent) -> {
            for (Doc each : agent.status().object("quarantine").objects("records")) {
                Doc usage = each.object("record");
                if (!usage.text("dimension").equals(Seed.UPTIME)) {
                    sums.merge(instance, new BigDecimal(usage.text("quantity")), BigDecimal::add);
                }
            }
        });
        return sums;
    }

    @Override
    public void close() {
        market.close();
        folder.delete();
    }
}
