import API
import APIMachinery
import Support

/// What is to be done about a StorageVersionMigration (KEP-4192). Pure; its shell is ``StorageMigrator``.
enum MigrationDecision: Hashable, Sendable {
    /// It has ended.
    case done
    /// Say that it has begun, and as of which revision: who is killed in its middle begins anew.
    case begin(StorageVersionMigration)
    /// Write each object anew.
    case migrate

    init(_ migration: StorageVersionMigration, now: Timestamp) {
        if migration.has(.succeeded) || migration.has(.failed) {
            self = .done
        } else if migration.has(.running), !migration.status.resourceVersion.isEmpty {
            self = .migrate
        } else {
            var begun = migration.with(.running, "", at: now)
            if begun.status.resourceVersion.isEmpty { begun.status.resourceVersion = migration.metadata.resourceVersion }
            self = .begin(begun)
        }
    }
}

/// The states of a migration, each a condition of its own.
enum MigrationState: String, CaseIterable {
    case running = "Running"
    case succeeded = "Succeeded"
    case failed = "Failed"

    var reason: String {
        switch self {
        case .running: "StorageVersionMigrationInProgress"
        case .succeeded: "StorageVersionMigrationSucceeded"
        case .failed: "StorageVersionMigrationFailed"
        }
    }
}

extension StorageVersionMigration {
    func has(_ state: MigrationState) -> Bool {
        status.conditions.contains { $0.type == state.rawValue && $0.status == "True" }
    }

    /// The migration in this state, and no longer in the one before it.
    func with(_ state: MigrationState, _ message: String, at now: Timestamp) -> StorageVersionMigration {
        var migration = self
        for known in MigrationState.allCases where known == state || has(known) {
            var condition = Condition()
            condition.type = known.rawValue
            condition.status = known == state ? "True" : "False"
            condition.lastTransitionTime = now
            condition.reason = known.reason
            condition.message = known == state ? message : ""
            if let place = migration.status.conditions.firstIndex(where: { $0.type == known.rawValue }) {
                migration.status.conditions[place] = condition
            } else {
                migration.status.conditions.append(condition)
            }
        }
        return migration
    }
}
