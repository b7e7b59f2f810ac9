package dev.tenon.samples;

import static dev.tenon.api.DataSize.gib;
import static dev.tenon.api.EngineId.POSTGRESQL;

import dev.tenon.api.Change;
import dev.tenon.api.ConflictException;
import dev.tenon.api.Instance;
import dev.tenon.api.Preview;
import dev.tenon.api.Resources;
import dev.tenon.api.Tenant;
import dev.tenon.api.Tenon;
import dev.tenon.baremetal.LocalDelivery;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Looks at what a resize would do, and then does exactly that, once. */
public final class PreviewAndApply {
    private PreviewAndApply() {}

    /** Takes no arguments. */
    public static void main(String[] arguments) {
        resize().forEach(System.out::println);
    }

    static List<String> resize() {
        List<String> lines = new ArrayList<>();
        try (Tenon tenon = Tenon.builder().delivery(LocalDelivery.create()).build()) {
            Tenant shop = tenon.tenants().create(t -> t.name("shop"));
            Instance orders = shop.instances()
                    .create(i -> i.name("orders")
                            .engine(POSTGRESQL, "17")
                            .plan("small")
                            .ephemeral(true))
                    .await(Duration.ofMinutes(1));
            // begin
            Preview preview = orders.preview(Change.Resize.to(Resources.of(1, gib(2), gib(20))));
            preview.steps().forEach(step -> lines.add("step: " + step.description()));
            lines.add("restart: " + preview.restart());

            orders.apply(preview).await(Duration.ofMinutes(1));
            try {
                orders.apply(preview);
            } catch (ConflictException moved) {
                lines.add("a second time: " + moved.code());
            }
            // end
            lines.add("memory: " + orders.view().resources().memory());
        }
        return lines;
    }
}
