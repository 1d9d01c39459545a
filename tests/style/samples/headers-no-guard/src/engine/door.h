struct door {
    int open;
};

int door_open(void);
