package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.account.Users;
import io.tallystick.aggregator.catalog.Catalog;
import io.tallystick.aggregator.db.Database;
import io.tallystick.aggregator.db.Ids;
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

    public Portal(
            URI publicUrl, Database database, Ids ids, Clock clock, Users users, Catalog catalog, UsageReport usage) {
        Assets assets = new Assets();
        Html html = new Html(assets, "https".equals(publicUrl.getScheme()));
        Sessions sessions = new Sessions(database, ids, clock);
        gate = new PortalGate(sessions, html, publicUrl);
        routes.addAll(assets.routes());
        routes.addAll(new SignInPages(users, sessions, gate, html).routes());
        routes.addAll(new ProductPages(catalog, database.reads(), html).routes());
        routes.addAll(new UsagePages(usage, html, clock).routes());
    }

    public PageGate gate() {
        return gate;
    }

    public List<Route> routes() {
        return List.copyOf(routes);
    }
}
