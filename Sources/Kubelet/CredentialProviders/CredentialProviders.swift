import API
import APIMachinery
import Client
import Host
import Logging
import PKI
import Runtime
import Support
import Synchronization

/// The plug-ins of this node that give credentials for images (KEP-2133), in the order of their names.
///
/// What goes wrong with one is logged, and it gives none: the pull says best what is missing.
final class CredentialProviders: Sendable {
    /// What a plug-in is asked. Who asks the same while it runs shares its answer.
    private struct Question: Hashable, Sendable {
        var image: String
        var token: String?
        var annotations: [String: String] = [:]
    }

    /// The service account of a pod, as a plug-in is told of it.
    private struct Told: Sendable {
        var account: PulledRecord.Account
        var annotations: [String: String]
    }

    private struct State: Sendable {
        var caches: [String: CredentialCache] = [:]
        /// Who waits for a program that runs.
        var waiting: [String: [Question: [CheckedContinuation<Turn, Never>]]] = [:]
    }

    /// Whether one runs the program oneself, or somebody else did.
    private enum Turn: Sendable {
        case own
        case shared(CredentialAnswer?)
    }

    private let providers: [CredentialProvider]
    private let client: any Client
    private let log: Logger
    private let patience: Duration
    private let state = Mutex(State())

    /// - Parameter patience: A program that takes longer is killed. As in Kubernetes nobody can say another time.
    init(
        _ providers: [CredentialProvider], client: any Client, log: Logger, patience: Duration = .seconds(60)
    ) {
        self.providers = providers.sorted { $0.name < $1.name }
        self.client = client
        self.log = log
        self.patience = patience
    }

    /// The service account on whose behalf credentials for the image may be given; `nil` when they are the node's own.
    func account(of pod: Pod, for image: ImageReference) -> ObjectName? {
        let name = pod.spec.serviceAccountName
        guard !name.isEmpty, providers.contains(where: { $0.tokens != nil && $0.serves(image.untagged) }) else { return nil }
        return ObjectName(namespace: pod.metadata.namespace, name: name)
    }

    /// The service accounts as whom a pod may use the image, if the registry gave it to one of them before.
    func accounts(of pod: Pod, for image: ImageReference) async -> [PulledRecord.Source] {
        var accounts: [PulledRecord.Source] = []
        for provider in providers where provider.serves(image.untagged) {
            guard let tokens = provider.tokens, let told = await told(provider, tokens, of: pod) else { continue }
            if !accounts.contains(.account(told.account)) { accounts.append(.account(told.account)) }
        }
        return accounts
    }

    /// What the plug-ins give for an image of a pod, the best first.
    func credentials(for image: ImageReference, of pod: Pod) async -> [RegistryCredentials.Match] {
        let name = image.untagged
        var credentials = RegistryCredentials()
        for provider in providers where provider.serves(name) {
            guard let (logins, account) = await answer(provider, name, pod) else { continue }
            for (registry, login) in logins.sorted(by: { $0.key < $1.key }) {
                var config = CRI.AuthConfig()
                (config.username, config.password) = (login.username, login.password)
                credentials.add(registry, config, account.map { .account($0) })
            }
        }
        return credentials.matches(image)
    }

    // MARK: One of them

    private typealias Answer = (logins: [String: CredentialAnswer.Login], account: PulledRecord.Account?)

    private func answer(_ provider: CredentialProvider, _ image: String, _ pod: Pod) async -> Answer? {
        var question = Question(image: image)
        var owner: CredentialCache.Owner?
        if let tokens = provider.tokens {
            if pod.spec.serviceAccountName.isEmpty {
                if tokens.isAccountRequired { return nil }
            } else {
                guard let told = await told(provider, tokens, of: pod) else { return nil }
                var asker = CredentialCache.Owner(account: told.account, annotations: told.annotations)
                if tokens.lifetime == .account, let logins = find(provider, image, asker) {
                    return (logins, told.account)
                }
                guard let token = await token(provider, tokens, told, pod) else { return nil }
                if tokens.lifetime == .token {
                    asker.podUID = pod.metadata.uid
                    asker.tokenHash = Hex.encode(Digest.sha256(token.utf8))
                }
                (question.token, question.annotations, owner) = (token, told.annotations, asker)
            }
        }
        if let logins = find(provider, image, owner) { return (logins, owner?.account) }
        guard let answer = await ask(provider, question) else { return nil }
        if let token = question.token, provider.tokens?.lifetime != .token,
            answer.logins.values.contains(where: { $0.password == token })
        {
            log.error(
                """
                the credential provider \(provider.name) gave the service account's token itself for \(image), which it \
                may only with the cacheType Token
                """)
            return nil
        }
        state.withLock { state in
            state.caches[provider.name, default: CredentialCache()].add(
                answer, for: image, owner, otherwise: provider.defaultLifetime, now: .sinceBoot)
        }
        return (answer.logins, owner?.account)
    }

    private func find(
        _ provider: CredentialProvider, _ image: String, _ owner: CredentialCache.Owner?
    ) -> [String: CredentialAnswer.Login]? {
        state.withLock { $0.caches[provider.name]?.find(image, owner, now: .sinceBoot) }
    }

    /// `nil` when the pod has no account that the plug-in could be told of.
    private func told(
        _ provider: CredentialProvider, _ tokens: CredentialProvider.Tokens, of pod: Pod
    ) async -> Told? {
        let name = ObjectName(namespace: pod.metadata.namespace, name: pod.spec.serviceAccountName)
        guard !name.name.isEmpty else { return nil }
        let account: ServiceAccount
        do throws(Status) { account = try await client.get(ServiceAccount.self, name) } catch {
            log.error("the credential provider \(provider.name) cannot be told of \(name): \(error.message)")
            return nil
        }
        var annotations: [String: String] = [:]
        for key in tokens.requiredAnnotations {
            // Without it the account does not want to be told of.
            guard let value = account.metadata.annotations[key] else { return nil }
            annotations[key] = value
        }
        for key in tokens.optionalAnnotations { annotations[key] = account.metadata.annotations[key] }
        let known = PulledRecord.Account(uid: account.metadata.uid, namespace: name.namespace, name: name.name)
        return Told(account: known, annotations: annotations)
    }

    private func token(
        _ provider: CredentialProvider, _ tokens: CredentialProvider.Tokens, _ told: Told, _ pod: Pod
    ) async -> String? {
        // Kubernetes names no time, which is an hour.
        let key = TokenRequestKey(audience: tokens.audience, expirationSeconds: 3600)
        do throws(Fault) { return try await IssuedToken(key, for: pod, accountUID: told.account.uid, client).text } catch {
            log.error("the credential provider \(provider.name) gets no token of \(told.account.name): \(error.forPeople)")
            return nil
        }
    }

    // MARK: The program

    /// Runs the program, unless it is running for the same.
    private func ask(_ provider: CredentialProvider, _ question: Question) async -> CredentialAnswer? {
        let turn = await withCheckedContinuation { continuation in
            let isFirst = state.withLock { state in
                if state.waiting[provider.name]?[question] != nil {
                    state.waiting[provider.name]?[question]?.append(continuation)
                    return false
                }
                state.waiting[provider.name, default: [:]][question] = []
                return true
            }
            if isFirst { continuation.resume(returning: Turn.own) }
        }
        if case .shared(let answer) = turn { return answer }
        let answer: CredentialAnswer?
        do throws(Fault) { answer = try await run(provider, question) } catch {
            log.error("Failed getting credential from external registry credential provider: \(error.forPeople)")
            answer = nil
        }
        let waiting = state.withLock { $0.waiting[provider.name]?.removeValue(forKey: question) ?? [] }
        for one in waiting { one.resume(returning: .shared(answer)) }
        return answer
    }

    private func run(_ provider: CredentialProvider, _ question: Question) async throws(Fault) -> CredentialAnswer {
        var command = Command(
            provider.program, provider.arguments,
            environment: Command.ownEnvironment.merging(provider.environment) { $1 })
        command.input = .descriptor(
            try Descriptor.holding(
                CredentialAnswer.request(
                    question.image, version: provider.version, token: question.token,
                    annotations: question.annotations)))
        let what = "error execing credential provider plugin \(provider.name) for image \(question.image)"
        let ready = command
        let ended: Command.Output?
        do throws(Fault) {
            ended = try await withTimeLimit(patience) { () throws(Fault) in try await ready.run() }
        } catch {
            throw Fault(error.code, "\(what): \(error.forPeople)")
        }
        guard let ended else { throw Fault(.timedOut, "\(what): context deadline exceeded") }
        guard ended.status.isSuccess else { throw Fault(.failed, "\(what): \(ended.status): \(ended.errorText.prefix(1000))") }
        return try CredentialAnswer(json: ended.output, version: provider.version)
    }
}
