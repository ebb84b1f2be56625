import API
import Host
import Logging
import Runtime
import Support

/// Answers monitoring on this machine, which asks by a socket which container has what of the node alone (KEP 606).
struct PodResourcesKeeper: Sendable {
    let layout: KubeletLayout
    let table: PodTable
    let resources: ResourceDesk
    let claims: ClaimKeeper
    let log: Logger

    /// Serves until cancelled; a socket that cannot be made is tried again.
    func run() async {
        let socket = layout.podResources
        let server = PodResourcesServer(
            pods: {
                let report = report
                return table.activePods.map(report.pod).sorted { ($0.namespace, $0.name) < ($1.namespace, $1.name) }
            }, allocatable: { report.allocatable })
        var pause = Duration.seconds(1)
        while !Task.isCancelled {
            do throws(Fault) {
                try Files.makeDirectory(Path.parent(of: socket), mode: 0o750)
                try await server.run(at: socket)
            } catch {
                if !Task.isCancelled { log.warning("monitoring cannot ask at \(socket): \(error.forPeople)") }
            }
            try? await Task.sleep(for: pause)
            pause = min(pause + pause, .seconds(60))
        }
    }

    private var report: PodResourcesReport {
        PodResourcesReport(
            devices: resources.devices.read(\.self), claims: claims.read(\.self),
            state: resources.read(\.self))
    }
}
