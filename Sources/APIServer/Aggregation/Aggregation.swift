import API
import APIMachinery
import Client
import Logging
import Support
import Wire

/// Everything about extension API servers that a server has once.
struct Aggregation: Sendable {
    let table = ExtensionTable()
    let metrics: AggregationMetrics
    let caller: ExtensionCaller
    private let proxy: ExtensionProxy
    private let swagger: ExtensionSwagger
    private let objects: AggregationKeeper.Objects

    /// `objects` gives the live set of a resource; `swagger` makes this server's own `/openapi/v2`.
    init(
        _ options: AggregationOptions?, _ objects: (GroupVersionResource) -> any ObjectSet, services: ServiceResolver,
        swagger: OpenAPI2, workshop: Workshop
    ) {
        caller = ExtensionCaller(
            services: services,
            clients: TrustedClients(certificatePEM: options?.certificatePEM, keyPEM: options?.keyPEM))
        proxy = ExtensionProxy(table: table, caller: caller)
        self.swagger = ExtensionSwagger(table: table, caller: caller, openAPI: swagger, workshop: workshop)
        self.objects = AggregationKeeper.Objects(
            apiServices: objects(.apiServices), services: objects(.services), endpointSlices: objects(.endpointSlices))
        metrics = AggregationMetrics(objects(.apiServices))
        table.follow(objects(.apiServices))
    }

    /// Whether the request was for another server, and is taken care of. Called on the event loop, after authorisation.
    func take(_ call: FrontCall, _ exchange: HTTPExchange) -> Bool {
        // Nearly always there is nobody else.
        guard !table.isEmpty else { return false }
        return swagger.take(call, exchange) || proxy.take(call, exchange)
    }

    /// Keeps the APIServices, until the task is cancelled.
    func run(
        _ registry: Registry, client: LocalClient, now: @escaping @Sendable () -> Timestamp,
        clock: any Clock<Duration>, reportingTo log: Logger
    ) async {
        await AggregationKeeper(
            client: client, registry: registry, local: Derived(registry, LocalAPIService.all), objects: objects,
            table: table, caller: caller, metrics: metrics, now: now, clock: clock, report: log
        ).run()
    }
}
