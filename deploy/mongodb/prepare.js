// Makes a new MongoDB ready for the services, in mongosh on the server's own machine; safe to repeat.
//
// Starts the replica set, creates the administrator (MongoDB lets the first user be created from its own machine
// without a password), and gives each service a user that can read and write its own database and nothing else. A
// changed password file changes the password.
//
//   REPLICA_SET_HOST  host:port under which clients reach the server
//   SECRETS           folder with the files mongodb-root-password, auth-mongodb-password, invoice-mongodb-password

const fs = require('node:fs');

const secret = (name) => fs.readFileSync(`${process.env.SECRETS}/${name}`, 'utf8').trim();
const services = [
    { user: 'auth-service', database: 'invoiceapp_auth', password: secret('auth-mongodb-password') },
    { user: 'invoice-service', database: 'invoiceapp_invoice', password: secret('invoice-mongodb-password') },
];
const admin = db.getSiblingDB('admin');
const rootPassword = secret('mongodb-root-password');

function signIn() {
    try {
        return admin.auth('root', rootPassword).ok === 1;
    } catch (error) {
        if (error.codeName === 'AuthenticationFailed') {
            return false;
        }
        throw error;
    }
}

function waitForPrimary() {
    for (let i = 0; i < 120; i += 1) {
        if (db.hello().isWritablePrimary) {
            return;
        }
        sleep(500);
    }
    throw new Error('no primary within 60 s');
}

if (db.hello().setName) {
    waitForPrimary();
}
if (!signIn()) {
    // Fails with Unauthorized when there is a user already: then the password file is not the one it was made with.
    if (!db.hello().setName) {
        rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: process.env.REPLICA_SET_HOST }] });
        waitForPrimary();
        print('replica set rs0: started');
    }
    admin.createUser({ user: 'root', pwd: rootPassword, roles: ['root'] });
    admin.auth('root', rootPassword);
    print('administrator: created');
}
for (const { user, database, password } of services) {
    const its = db.getSiblingDB(database);
    const settings = { pwd: password, roles: [{ role: 'readWrite', db: database }] };
    if (its.getUser(user)) {
        its.updateUser(user, settings);
    } else {
        its.createUser({ user, ...settings });
    }
    print(`${user}: reads and writes ${database}`);
}
