import Host
import Support

/// `Programs/conversion_webhook.py`, running, and the definition of the kind that it converts.
struct ConversionWebhook: Sendable {
    private static let programs = Path.join(Path.parent(of: #filePath), "Programs")

    private let process: ChildProcess
    /// `Programs/certificates.yaml`, with this webhook in it.
    let definition: String

    /// Starts the webhook, which says in a file in `folder` how to reach it.
    static func start(in folder: String) async throws -> ConversionWebhook {
        let configFile = folder + "/webhook.json"
        var command = Command(
            "/usr/bin/python3", ["-B", Path.join(programs, "conversion_webhook.py"), configFile])
        command.parentDeathSignal = .kill
        let process = try await command.start()
        let deadline = ContinuousClock.now + .seconds(30)
        while !Files.exists(configFile) {
            guard ContinuousClock.now < deadline, process.identity != nil else {
                throw Unready("the webhook does not start")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        let definition = try Files.readText(Path.join(programs, "certificates.yaml"))
        return ConversionWebhook(
            process: process, definition: definition.replacing("WEBHOOK\n", with: try Files.readText(configFile) + "\n"))
    }

    func stop() async throws {
        try process.send(.kill)
        _ = try await process.wait()
    }
}
