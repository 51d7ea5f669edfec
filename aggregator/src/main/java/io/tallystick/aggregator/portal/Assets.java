package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.web.Requests;
import io.tallystick.aggregator.web.Route;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.model.Hash;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.RoutingContext;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.zip.GZIPOutputStream;

/**
 * Style sheets, scripts and the icon, from our own resources and from WebJars. Each is at a path that carries the hash
 * of its bytes, so it may be kept for ever and changes with its content.
 */
final class Assets {
    private static final int HASH_BYTES_SHOWN = 8;
    private static final String FOR_EVER = "public, max-age=31536000, immutable";
    private static final String CSS = "text/css; charset=utf-8";
    private static final String JAVASCRIPT = "text/javascript; charset=utf-8";

    private record Asset(String type, String version, Buffer plain, Buffer gzip) {}

    private final Map<String, Asset> assets = new LinkedHashMap<>();

    Assets() {
        add("pico.css", CSS, webJar("picocss__pico", "css/pico.classless.min.css"));
        add("htmx.js", JAVASCRIPT, webJar("htmx.org", "dist/htmx.min.js"));
        add("echarts.js", JAVASCRIPT, webJar("echarts", "dist/echarts.min.js"));
        add("portal.css", CSS, "/portal/assets/portal.css");
        add("portal.js", JAVASCRIPT, "/portal/assets/portal.js");
        add("icon.svg", "image/svg+xml", "/portal/assets/icon.svg");
    }

    List<Route> routes() {
        return List.of(Route.get("/portal/assets/{version}/{name}", "getPortalAsset")
                .openPage()
                .to(this::get));
    }

    /** The path of an asset; an unknown name is a defect. */
    String path(String name) {
        Asset asset = assets.get(name);
        if (asset == null) {
            throw new IllegalStateException("there is no asset " + name);
        }
        return "/portal/assets/" + asset.version() + "/" + name;
    }

    private Future<Void> get(RoutingContext ctx) {
        Asset asset = assets.get(Requests.path(ctx, "name"));
        if (asset == null || !asset.version().equals(Requests.path(ctx, "version"))) {
            throw Failure.of(ErrorCode.NOT_FOUND, "there is no such file");
        }
        String accepted = ctx.request().getHeader(HttpHeaders.ACCEPT_ENCODING);
        boolean gzip = accepted != null && accepted.toLowerCase(Locale.ROOT).contains("gzip");
        ctx.response()
                .putHeader(HttpHeaders.CONTENT_TYPE, asset.type())
                .putHeader(HttpHeaders.CACHE_CONTROL, FOR_EVER)
                .putHeader(HttpHeaders.VARY, "Accept-Encoding")
                .putHeader("X-Content-Type-Options", "nosniff");
        if (gzip) {
            ctx.response().putHeader(HttpHeaders.CONTENT_ENCODING, "gzip");
        }
        return ctx.response().end(gzip ? asset.gzip() : asset.plain());
    }

    private void add(String name, String type, String resource) {
        byte[] bytes = read(resource);
        String version = HexFormat.of().formatHex(Hash.of(bytes).bytes(), 0, HASH_BYTES_SHOWN);
        assets.put(name, new Asset(type, version, Buffer.buffer(bytes), Buffer.buffer(gzip(bytes))));
    }

    /** Where a WebJar has a file: its version stands in the path, and in the jar's own description. */
    private static String webJar(String artifact, String file) {
        Properties properties = new Properties();
        try {
            properties.load(
                    new ByteArrayInputStream(read("/META-INF/maven/org.webjars.npm/" + artifact + "/pom.properties")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return "/META-INF/resources/webjars/" + artifact + "/" + properties.getProperty("version") + "/" + file;
    }

    private static byte[] read(String resource) {
        try (InputStream in = Assets.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new IllegalStateException("the build lacks " + resource);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] gzip(byte[] bytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }
}
