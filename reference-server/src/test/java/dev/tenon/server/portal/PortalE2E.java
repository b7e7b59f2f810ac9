package dev.tenon.server.portal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.api.Change;
import dev.tenon.api.Secret;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import dev.tenon.server.Server;
import dev.tenon.server.ServerSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.ElementNotInteractableException;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;

/** A person with a browser, a real server and a real database. */
class PortalE2E {
    private static final Path BROWSER = Path.of("/usr/bin/chromium");
    private static final Path DRIVER = Path.of("/usr/bin/chromedriver");
    private static final String PASSWORD = "correct horse battery";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    Path directory;

    private Tenon tenon;
    private Server server;
    private ChromeDriver browser;

    @BeforeEach
    void start() throws Exception {
        assumeTrue(Files.isExecutable(BROWSER), "skipped: no " + BROWSER + "; install chromium");
        assumeTrue(Files.isExecutable(DRIVER), "skipped: no " + DRIVER + "; install chromium-driver");
        Path home = directory.resolve("home");
        ServerSettings settings = ServerSettings.builder()
                .directory(home)
                .port(0)
                .adminPassword(Secret.of(PASSWORD))
                .build();
        tenon = Tenon.builder().directory(home).delivery(LocalDelivery.create()).build();
        server = Server.start(settings, tenon);
        ChromeOptions options = new ChromeOptions();
        options.setBinary(BROWSER.toFile());
        options.addArguments(
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--lang=en",
                "--user-data-dir=" + Files.createDirectory(directory.resolve("profile")));
        browser = new ChromeDriver(
                new ChromeDriverService.Builder()
                        .usingDriverExecutable(DRIVER.toFile())
                        .usingAnyFreePort()
                        .build(),
                options);
        browser.manage().window().setSize(new Dimension(1440, 1000));
    }

    @AfterEach
    void stop() {
        if (browser != null) {
            browser.quit();
        }
        if (server != null) {
            // Databases outlive the server.
            tenon.tenants()
                    .find("shop")
                    .flatMap(shop -> shop.instances().find("orders"))
                    .ifPresent(orders -> orders.apply(new Change.Delete(Optional.of(Duration.ZERO)))
                            .await(PATIENCE));
            server.close();
        }
    }

    @Test
    void person_fromSignInToRecovery_keepsTheData() throws SQLException {
        signInAndMakeATenant();

        // The form shows what will happen while it is filled in, and what is wrong beside the field.
        click("a[href$='/instances/new']");
        type("#name", "Not A Name");
        await("#err-name:not(:empty)");
        assertThat(find("#preview").getText()).contains("expected 1 to 63 characters");
        type("#name", "orders");
        click("input[value='plan:micro']");
        await("#preview .plainsteps");
        wait("the preview of the plan", () -> find("#preview").getText().contains("512 MiB"));
        click("aside button[type=submit].primary");

        // Ready without touching anything; the steps are there to see.
        await("#live[data-state=Active][data-health=Healthy]");
        await("#live [data-operation=SUCCEEDED] .steps .done");
        String instance = browser.getCurrentUrl();

        browser.get(instance + "/connection");
        click("#jdbc + .copy");
        await("#jdbc + .copy.done");
        String url = find("#jdbc").getText();
        assertThat(browser.getPageSource()).doesNotContain("id=\"secret\"");
        click("#password button");
        String password = await("#secret").getText();
        sql(url, password, "create table kept as select 42 as answer");

        act(instance, "stop");
        await("#live[data-state=Stopped]");
        assertThatThrownBy(() -> sql(url, password, "select 1")).isInstanceOf(SQLException.class);

        click("#live form button.primary");
        await("#live[data-state=Active][data-health=Healthy]");
        assertThat(answer(url, password)).isEqualTo(42);

        act(instance, "delete");
        await("#live[data-state=Recycled]");
        browser.get(instance.substring(0, instance.indexOf("/instances")) + "/recycle-bin");
        click("a[href$='/change/recover']");
        click("#dialog button[type=submit]");
        await("#live[data-state=Active][data-health=Healthy]");
        assertThat(answer(url, password)).isEqualTo(42);

        // Nobody complained: no refused script or style, no failed request that was not asked for.
        assertThat(browser.manage().logs().get("browser").getAll())
                .filteredOn(entry -> entry.getMessage().contains("Content Security Policy"))
                .isEmpty();

        // Removed for good only after its name was typed.
        act(instance, "delete");
        await("#live[data-state=Recycled]");
        browser.get(instance + "/change/purge");
        assertThat(find("form.sheet button[type=submit]").isEnabled()).isFalse();
        type("#typed", "orders");
        click("form.sheet button[type=submit]");
        wait("the recycle bin", () -> browser.getCurrentUrl().endsWith("/recycle-bin"));
    }

    @Test
    void person_makesAPair_andSwitchesOver() {
        signInAndMakeATenant();
        click("a[href$='/instances/new']");
        type("#name", "orders");
        click("input[value='plan:micro']");
        click("#standbys option[value='1']");
        wait("the preview of the pair", () -> find("#preview").getText().contains("standbys"));
        click("aside button[type=submit].primary");
        await("#live[data-state=Active][data-health=Healthy]");

        click("#topology a[href$='/change/switchover?member=m-2']");
        click("#dialog[open] button[type=submit]");
        await("#topology a[href$='/change/switchover?member=m-1']");
        await("#live[data-state=Active][data-health=Healthy] [data-operation=SUCCEEDED]");
        wait("the old primary follows", () -> find("#topology").getText().contains("Streaming"));
    }

    /** Without tenants the first page is where they are made. */
    private void signInAndMakeATenant() {
        browser.get(server.url());
        type("#name", "admin");
        type("#password", PASSWORD);
        click("button[type=submit].primary");
        click("a[href='/ui/tenants/new']");
        type("#name", "shop");
        click("form button.primary");
    }

    @Test
    void person_inChineseOnASmallScreen_findsTheMenu() {
        browser.manage().window().setSize(new Dimension(500, 900));
        browser.get(server.url());
        click("button[name=language]");
        assertThat(find("html").getDomAttribute("lang")).isEqualTo("zh-CN");
        type("#name", "admin");
        type("#password", PASSWORD);
        click("button[type=submit].primary");
        click(".mobilebar summary");
        click(".mobilebar a[href='/ui/catalogue']");
        assertThat(find("h1").getText()).isEqualTo("服务目录");
        assertThat((Boolean) browser.executeScript(
                        "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"))
                .isTrue();
    }

    /** Asks for a change on the instance's page and says yes to what it will do. */
    private void act(String instance, String change) {
        browser.get(instance);
        String link = "a[href$='/change/" + change + "']";
        List<WebElement> direct = browser.findElements(By.cssSelector("#live .head > .row > " + link));
        if (direct.isEmpty()) {
            click("#live details.menu summary");
            click("#live details.menu " + link);
        } else {
            click("#live .head > .row > " + link);
        }
        click("#dialog[open] button[type=submit]");
    }

    private static void sql(String url, String password, String statement) throws SQLException {
        try (Connection c = DriverManager.getConnection(url, "app_owner", password);
                Statement s = c.createStatement()) {
            s.execute(statement);
        }
    }

    private static int answer(String url, String password) throws SQLException {
        try (Connection c = DriverManager.getConnection(url, "app_owner", password);
                Statement s = c.createStatement();
                ResultSet rows = s.executeQuery("select answer from kept")) {
            assertThat(rows.next()).isTrue();
            return rows.getInt(1);
        }
    }

    /** Asks again as soon as the browser answered, until there is something. */
    private <T> T until(String what, Supplier<Optional<T>> question) {
        long begun = System.nanoTime();
        while (true) {
            try {
                Optional<T> answer = question.get();
                if (answer.isPresent()) {
                    return answer.get();
                }
            } catch (StaleElementReferenceException | ElementNotInteractableException e) {
                // A part that refreshes itself replaced the element between finding and using it.
                assertThat(e).isNotNull();
            }
            assertThat(System.nanoTime() - begun).as(what).isLessThan(PATIENCE.toNanos());
        }
    }

    private void wait(String what, BooleanSupplier condition) {
        until(what, () -> condition.getAsBoolean() ? Optional.of(true) : Optional.empty());
    }

    private WebElement await(String css) {
        return until(
                css, () -> browser.findElements(By.cssSelector(css)).stream().findFirst());
    }

    private WebElement find(String css) {
        return browser.findElement(By.cssSelector(css));
    }

    private void click(String css) {
        until("a click on " + css, () -> browser.findElements(By.cssSelector(css)).stream()
                .findFirst()
                .map(element -> {
                    element.click();
                    return element;
                }));
    }

    private void type(String css, String text) {
        WebElement field = await(css);
        field.clear();
        field.sendKeys(text);
    }
}
