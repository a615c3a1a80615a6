//! Tables and statements. Times are milliseconds since 1970.

use sqlite_engine::Migration;

pub(in crate::store) const MIGRATIONS: &[Migration] = &[
    USERS_SESSIONS_KEYS,
    SESSIONS_BY_END,
    REVOCATIONS_BY_TIME,
    SESSIONS_OF_VERSIONS,
    SECURITY_EVENTS,
    KEYS_IN_SEQUENCE,
];

const USERS_SESSIONS_KEYS: Migration = Migration {
    name: "users, sessions and signing keys",
    sql: "
        CREATE TABLE user (
            id TEXT NOT NULL PRIMARY KEY,
            email TEXT NOT NULL,
            email_key TEXT NOT NULL UNIQUE,
            display_name TEXT NOT NULL,
            password_hash TEXT NOT NULL,
            security_version INTEGER NOT NULL,
            organization_id TEXT NOT NULL,
            organization_name TEXT NOT NULL,
            role TEXT NOT NULL,
            create_time INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE session (
            id TEXT NOT NULL PRIMARY KEY,
            user_id TEXT NOT NULL REFERENCES user (id),
            generation INTEGER NOT NULL,
            client_label TEXT NOT NULL,
            create_time INTEGER NOT NULL,
            last_use_time INTEGER NOT NULL,
            idle_expire_time INTEGER NOT NULL,
            expire_time INTEGER NOT NULL,
            end_reason TEXT,
            end_time INTEGER,
            CHECK ((end_reason IS NULL) = (end_time IS NULL))
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX session_user ON session (user_id);

        CREATE TABLE signing_key (
            id TEXT NOT NULL PRIMARY KEY,
            state TEXT NOT NULL,
            public_key BLOB NOT NULL,
            sealed_private_key BLOB NOT NULL,
            create_time INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX signing_key_one_active ON signing_key (state) WHERE state = 'ACTIVE';
    ",
};

const SESSIONS_BY_END: Migration = Migration {
    name: "sessions by their end",
    sql: "CREATE INDEX session_expire_time ON session (expire_time);",
};

/// Version 1 is [`crate::domain::user::User::FIRST_SECURITY_VERSION`].
const REVOCATIONS_BY_TIME: Migration = Migration {
    name: "revocations by time",
    sql: "
        ALTER TABLE user ADD COLUMN security_version_time INTEGER NOT NULL DEFAULT 0;
        UPDATE user SET security_version_time = create_time;
        CREATE INDEX user_security_version_time ON user (security_version_time) WHERE security_version > 1;
        CREATE INDEX session_end_time ON session (end_time) WHERE end_time IS NOT NULL;
    ",
};

const SESSIONS_OF_VERSIONS: Migration = Migration {
    name: "sessions of security versions, and where they were begun",
    sql: "
        ALTER TABLE session ADD COLUMN user_version INTEGER NOT NULL DEFAULT 1;
        ALTER TABLE session ADD COLUMN first_generation INTEGER NOT NULL DEFAULT 1;
        ALTER TABLE session ADD COLUMN address_prefix TEXT;
        DROP INDEX session_user;
        CREATE INDEX session_user_not_ended ON session (user_id, id) WHERE end_time IS NULL;
    ",
};

const SECURITY_EVENTS: Migration = Migration {
    name: "security events",
    sql: "
        CREATE TABLE security_event (
            id TEXT NOT NULL PRIMARY KEY,
            kind TEXT NOT NULL,
            time INTEGER NOT NULL,
            user_id TEXT REFERENCES user (id),
            session_id TEXT,
            client_label TEXT NOT NULL,
            address_prefix TEXT
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX security_event_user ON security_event (user_id, id);
    ",
};

/// The release before it made one key, which was active from then on.
const KEYS_IN_SEQUENCE: Migration = Migration {
    name: "signing keys in a sequence",
    sql: "
        CREATE TABLE signing_key_in_sequence (
            id TEXT NOT NULL PRIMARY KEY,
            sequence INTEGER NOT NULL UNIQUE,
            activate_time INTEGER NOT NULL,
            revoke_time INTEGER,
            public_key BLOB NOT NULL,
            sealed_private_key BLOB NOT NULL,
            create_time INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO signing_key_in_sequence
            SELECT id, row_number() OVER (ORDER BY create_time, id), create_time, NULL, public_key,
                sealed_private_key, create_time
            FROM signing_key;
        DROP TABLE signing_key;
        ALTER TABLE signing_key_in_sequence RENAME TO signing_key;
    ",
};

/// The columns that [`super::row::user`] reads, in its order.
macro_rules! user_columns {
    () => {
        "id, email, display_name, password_hash, security_version, organization_id, organization_name, role, \
         create_time, security_version_time"
    };
}

/// The columns that [`super::row::session`] reads, in its order.
macro_rules! session_columns {
    () => {
        "id, user_id, generation, client_label, create_time, last_use_time, idle_expire_time, expire_time, end_reason, \
         end_time, user_version, first_generation, address_prefix"
    };
}

/// The columns that [`super::row::signing_key`] reads, in its order.
macro_rules! signing_key_columns {
    () => {
        "id, sequence, activate_time, revoke_time, public_key, sealed_private_key, create_time"
    };
}

/// The columns that [`super::row::event`] reads, in its order.
macro_rules! event_columns {
    () => {
        "id, kind, time, user_id, session_id, client_label, address_prefix"
    };
}

macro_rules! user_where {
    ($condition:literal) => {
        concat!("SELECT ", user_columns!(), " FROM user WHERE ", $condition)
    };
}

pub(in crate::store) const USER_COLUMNS: &str = user_columns!();
pub(in crate::store) const SESSION_COLUMNS: &str = session_columns!();
pub(in crate::store) const EVENT_COLUMNS: &str = event_columns!();
pub(in crate::store) const SIGNING_KEY_COLUMNS: &str = signing_key_columns!();

pub(super) const USER: &str = user_where!("id = ?1");
pub(super) const USER_BY_EMAIL: &str = user_where!("email_key = ?1");

/// Of one organization, or of all when it is null.
pub(super) const MEMBERS: &str = user_where!("?1 IS NULL OR organization_id = ?1 ORDER BY id LIMIT ?2");

pub(super) const INSERT_USER: &str = "
    INSERT INTO user (id, email, email_key, display_name, password_hash, security_version, organization_id,
        organization_name, role, create_time, security_version_time)
    VALUES (:id, :email, :email_key, :display_name, :password_hash, :security_version, :organization_id,
        :organization_name, :role, :create_time, :security_version_time)";

pub(super) const REPLACE_PASSWORD_HASH: &str =
    "UPDATE user SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2";

pub(super) const CHANGE_PASSWORD: &str = "
    UPDATE user SET password_hash = :password_hash, security_version = :security_version,
        security_version_time = :security_version_time
    WHERE id = :id AND security_version = :security_version - 1";

pub(super) const UPDATE_PROFILE: &str = concat!(
    "UPDATE user SET display_name = coalesce(:display_name, display_name),
        organization_name = coalesce(:organization_name, organization_name)
    WHERE id = :id RETURNING ",
    user_columns!()
);

pub(super) const SESSION: &str = concat!("SELECT ", session_columns!(), " FROM session WHERE id = ?1");

pub(super) const INSERT_SESSION: &str = "
    INSERT INTO session (id, user_id, generation, client_label, create_time, last_use_time, idle_expire_time,
        expire_time, end_reason, end_time, user_version, first_generation, address_prefix)
    VALUES (:id, :user_id, :generation, :client_label, :create_time, :last_use, :idle_expire, :expire,
        :end_reason, :end_time, :user_version, :first_generation, :address_prefix)";

pub(super) const SESSIONS_OF: &str = concat!(
    "SELECT ",
    session_columns!(),
    " FROM session
    WHERE user_id = :user_id AND end_time IS NULL AND (:before IS NULL OR id < :before)
        AND user_version >= :user_version AND idle_expire_time > :alive_at AND expire_time > :alive_at
    ORDER BY id DESC LIMIT :limit"
);

pub(super) const ADVANCE_SESSION: &str = "
    UPDATE session SET generation = :generation, first_generation = :first_generation, user_version = :user_version,
        last_use_time = :last_use, idle_expire_time = :idle_expire
    WHERE id = :id AND generation = :from AND end_time IS NULL";

pub(super) const END_SESSION: &str = concat!(
    "UPDATE session SET end_reason = ?2, end_time = ?3 WHERE id = ?1 AND end_time IS NULL RETURNING ",
    session_columns!()
);

pub(super) const END_SESSIONS_OF: &str = "
    UPDATE session SET end_reason = ?3, end_time = ?4 WHERE user_id = ?1 AND end_time IS NULL AND id <> ?2
    RETURNING id";

pub(super) const ENDED_SINCE: &str =
    "SELECT id, end_time FROM session WHERE end_time IS NOT NULL AND end_time >= ?1";

pub(super) const RAISED_SINCE: &str = "
    SELECT id, security_version, security_version_time FROM user
    WHERE security_version > 1 AND security_version_time >= ?1";

pub(super) const SWEEP_SESSIONS: &str = "
    DELETE FROM session
    WHERE id IN (SELECT id FROM session WHERE expire_time < ?1 ORDER BY expire_time LIMIT ?2)";

pub(super) const SIGNING_KEYS: &str = concat!(
    "SELECT ",
    signing_key_columns!(),
    " FROM signing_key ORDER BY sequence"
);

pub(super) const INSERT_EVENT: &str = "
    INSERT INTO security_event (id, kind, time, user_id, session_id, client_label, address_prefix)
    VALUES (:id, :kind, :time, :user_id, :session_id, :client_label, :address_prefix)";

macro_rules! newest_events_where {
    ($condition:literal) => {
        concat!(
            "SELECT * FROM (SELECT ",
            event_columns!(),
            " FROM security_event
            WHERE ",
            $condition,
            " AND id >= :since AND (:before IS NULL OR id < :before)
            ORDER BY id DESC LIMIT :limit)"
        )
    };
}

/// Two walks of one index; what is sorted at the end is two pages at most.
pub(super) const EVENTS_OF: &str = concat!(
    newest_events_where!("user_id = :user_id"),
    " UNION ALL ",
    newest_events_where!("user_id IS NULL"),
    " ORDER BY id DESC LIMIT :limit"
);

pub(super) const SWEEP_EVENTS: &str = "
    DELETE FROM security_event
    WHERE id IN (SELECT id FROM security_event WHERE id < ?1 ORDER BY id LIMIT ?2)";

pub(super) const INSERT_SIGNING_KEY: &str = "
    INSERT INTO signing_key (id, sequence, activate_time, revoke_time, public_key, sealed_private_key, create_time)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

pub(super) const ACTIVATE_SIGNING_KEY: &str =
    "UPDATE signing_key SET activate_time = ?3 WHERE id = ?1 AND activate_time = ?2 AND revoke_time IS NULL";

pub(super) const REVOKE_SIGNING_KEY: &str = "
    UPDATE signing_key SET revoke_time = ?2, sealed_private_key = x'' WHERE id = ?1 AND revoke_time IS NULL";

pub(super) const REMOVE_SIGNING_KEY: &str = "DELETE FROM signing_key WHERE id = ?1";
