import APIServer
import Host
import Logging
import Supervisor
import Support

/// Files whose changes count while the server runs: those of `--authentication-config`, `--authorization-config` and
/// `--encryption-provider-config`, and the certificates that the server shows.
///
/// What is wrong with a changed file is logged, and what it said before goes on to count.
struct ReloadedFiles: Sendable {
    struct File: Sendable {
        var path: String
        var apply: @Sendable (String) throws(Fault) -> Void
    }

    let files: [File]
    private let log: Logger

    init(
        _ arguments: APIServerArguments, _ options: APIServerOptions, _ api: APIServer, _ identities: ServingIdentities,
        log: Logger
    ) {
        let access = arguments.access
        var files: [File] = []
        if let path = arguments.encryptionConfigFile, arguments.reloadsEncryption {
            files.append(
                File(path: path) { text throws(Fault) in
                    try api.replace(encryption: try EncryptionConfiguration(text: text))
                })
        }
        if let path = access.authenticationConfigFile {
            files.append(
                File(path: path) { text throws(Fault) in
                    api.replace(authentication: try options.readAuthentication(text))
                })
        }
        if let path = access.authorizationConfigFile {
            files.append(
                File(path: path) { text throws(Fault) in
                    try api.replace(authorization: try APIServerOptions.readAuthorization(text))
                })
        }
        // Of a certificate and its key one changes first: together they count when both have.
        for path in Set(identities.files).sorted() {
            files.append(File(path: path) { _ throws(Fault) in try identities.reload() })
        }
        self.files = files
        self.log = log
    }

    /// Runs until the task is cancelled.
    ///
    /// The folders are watched, not the files: most editors, and volumes of ConfigMaps, put a new file in the place of the
    /// old one.
    func run() async throws(Fault) {
        let watch = try FileWatch()
        for folder in Set(files.map { Path.parent(of: $0.path) }) { try watch.add(folder) }
        var texts: [String: String] = [:]
        // What changed between the start and now has told nobody.
        take(&texts)
        var events = watch.makeAsyncIterator()
        while try await events.next(isolation: nil) != nil { take(&texts) }
    }

    private func take(_ texts: inout [String: String]) {
        for file in files {
            // A file that is being replaced may be gone for a moment.
            guard let text = try? Files.readText(file.path), text != texts[file.path] else { continue }
            let isNew = texts.updateValue(text, forKey: file.path) != nil
            do throws(Fault) {
                try file.apply(text)
                if isNew { log.info("\(file.path) has changed, and counts from now on") }
            } catch {
                log.error("\(file.path) has changed, but what it said before goes on to count: \(error)")
            }
        }
    }
}
