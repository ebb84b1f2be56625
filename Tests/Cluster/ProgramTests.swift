import Host
import Support
import Testing

/// Programs on the official Python client, old and new, which know nothing of this project: `Programs/`.
@Suite(.serialized) struct ProgramTests {
    /// Debian's client, and PyPI's, which `Tools/python` installs.
    enum Client: String, CaseIterable, CustomTestStringConvertible {
        case debian = "/usr/bin/python3"
        case newest = ".build/python/bin/python"

        var testDescription: String { rawValue }

        /// The path of the interpreter.
        var interpreter: String { rawValue.hasPrefix("/") ? rawValue : Path.join(ProgramTests.project, rawValue) }
    }

    private static let project = Path.parent(of: Path.parent(of: Path.parent(of: #filePath)))

    /// Runs a program against the server; what it printed, when it failed, is the comment.
    private func run(_ program: String, _ client: Client, _ server: TestServer) async throws {
        let file = Path.join(Self.project, "Tests/Cluster/Programs/" + program)
        let command = Command(client.interpreter, ["-B", file, server.folder + "/kubeconfig"])
        let outcome = try await command.run(limit: .mebibytes(8))
        #expect(outcome.status.isSuccess, "\(outcome.errorText)")
        // unittest says so also of no test at all.
        #expect(!outcome.errorText.contains("Ran 0 tests"))
    }

    @Test(.timeLimit(.minutes(5)), arguments: Client.allCases)
    func `programs do their usual work`(client: Client) async throws {
        try await TestServer.with { try await run("usual_work.py", client, $0) }
    }

    @Test(.timeLimit(.minutes(5)))
    func `an object of every kind lives its life`() async throws {
        try await TestServer.with { try await run("every_kind.py", .debian, $0) }
    }

    @Test(.timeLimit(.minutes(5)))
    func `what conformance asks of the API alone goes through`() async throws {
        try await TestServer.with { try await run("conformance_api.py", .newest, $0) }
    }

    @Test(.timeLimit(.minutes(5)))
    func `an operator serves its users through an election and an accident`() async throws {
        try await TestServer.with { try await run("operator_life.py", .newest, $0) }
    }
}
