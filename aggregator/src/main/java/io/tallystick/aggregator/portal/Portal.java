package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.account.Accounts;
import io.tallystick.aggregator.account.Users;
import io.tallystick.aggregator.agreement.Agreements;
import io.tallystick.aggregator.billing.Revenue;
import io.tallystick.aggregator.billing.Statements;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.catalog.Offers;
import io.tallystick.aggregator.catalog.Reviews;
import io.tallystick.aggregator.catalog.Versions;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
import io.tallystick.aggregator.enrollment.CloudSamples;
import io.tallystick.aggregator.enrollment.Enrollments;
import io.tallystick.aggregator.enrollment.Invitations;
import io.tallystick.aggregator.entitlement.Entitlements;
import io.tallystick.aggregator.entitlement.JoinCodeIssuer;
import io.tallystick.aggregator.lifecycle.ChangeSetThread;
import io.tallystick.aggregator.lifecycle.ChangeSets;
import io.tallystick.aggregator.lifecycle.LoadForms;
import io.tallystick.aggregator.report.Impact;
import io.tallystick.aggregator.usage.Incidents;
import io.tallystick.aggregator.usage.Quarantine;
import io.tallystick.aggregator.usage.UsageReport;
import io.tallystick.aggregator.web.PageGate;
import io.tallystick.aggregator.web.Route;
import java.net.URI;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;

/** The portal as a whole: its gate, and its pages over the services of the features. */
public final class Portal {
    private final PortalGate gate;
    private final List<Route> routes = new ArrayList<>();

    /** What the pages call; the same that REST calls. */
    public record Services(
            Users users,
            Accounts accounts,
            Catalog catalog,
            Versions versions,
            Reviews reviews,
            ChangeSets changeSets,
            ChangeSetThread thread,
            LoadForms loadForms,
            Impact impact,
            Offers offers,
            Agreements agreements,
            UsageReport usage,
            Revenue revenue,
            Statements statements,
            Incidents incidents,
            Quarantine quarantine,
            Enrollments enrollments,
            CloudSamples samples,
            Entitlements entitlements,
            Invitations invitations,
            JoinCodeIssuer joinCodes) {}

    public Portal(URI publicUrl, Database database, Ids ids, Clock clock, Services s) {
        Assets assets = new Assets();
        Html html = new Html(assets, "https".equals(publicUrl.getScheme()));
        Sessions sessions = new Sessions(database, ids, clock);
        gate = new PortalGate(sessions, html, publicUrl);
        routes.addAll(assets.routes());
        routes.addAll(new SignInPages(s.users(), sessions, gate, html).routes());
        routes.addAll(new ProductPages(
                        s.catalog(),
                        s.versions(),
                        s.reviews(),
                        s.changeSets(),
                        s.offers(),
                        database.reads(),
                        html,
                        clock)
                .routes());
        routes.addAll(new PasswordPages(s.users(), sessions, gate, html).routes());
        routes.addAll(new VersionPages(s.catalog(), s.versions(), s.changeSets(), database.reads(), html).routes());
        routes.addAll(new LoadFormPages(s.loadForms(), s.catalog(), database.reads(), html).routes());
        routes.addAll(new ImpactPages(s.impact(), s.catalog(), s.versions(), database.reads(), html).routes());
        routes.addAll(new ReviewPages(s.reviews(), s.catalog(), database.reads(), html).routes());
        routes.addAll(new ChangeSetPages(s.changeSets(), s.thread(), s.versions(), s.catalog(), database.reads(), html)
                .routes());
        routes.addAll(new RevenuePages(s.revenue(), s.statements(), html, clock).routes());
        routes.addAll(new UsagePages(s.usage(), html, clock).routes());
        routes.addAll(
                new IncidentPages(s.incidents(), s.enrollments(), s.entitlements(), database.reads(), html).routes());
        routes.addAll(new CloudInstancePages(s.samples(), database.reads(), html).routes());
        routes.addAll(new QuarantinePages(s.quarantine(), html).routes());
        routes.addAll(
                new SubscriptionPages(s.agreements(), s.catalog(), s.versions(), s.offers(), database.reads(), html)
                        .routes());
        routes.addAll(new JoinCodePages(
                        s.invitations(),
                        s.joinCodes(),
                        s.agreements(),
                        s.catalog(),
                        s.accounts(),
                        database.reads(),
                        html)
                .routes());
    }

    public PageGate gate() {
        return gate;
    }

    public List<Route> routes() {
        return List.copyOf(routes);
    }
}
